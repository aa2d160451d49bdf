"""Suggests the member that was probably meant where a document has an unknown one."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, TypeAliasType, get_args

from pydantic import BaseModel


def closest_member(model: type[BaseModel], place: Sequence[str | int]) -> str | None:
    """The member that is closest to the unknown one at this place, if any is similar."""
    *above, name = place
    models = [model]
    for part in above:
        models = [each for model in models for each in _models_of(model, part)]
    known = [field.alias or name for model in models for name, field in model.model_fields.items()]
    close = get_close_matches(str(name).casefold()[:100], known, n=1)
    return close[0] if close else None


def _models_of(model: type[BaseModel], part: str | int) -> Iterator[type[BaseModel]]:
    """The models of a member; for a place within a list, or a tag of a union, the model itself."""
    for name, field in model.model_fields.items():
        if part == (field.alias or name):
            yield from _models_in(field.annotation)
            return
    if isinstance(part, int) or part.startswith("<"):
        yield model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, TypeAliasType):
        annotation = annotation.__value__
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
