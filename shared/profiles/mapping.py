"""What leaves, by the names of a segment's columns."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import orjson


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from: a column; for a phone number, also the region to read it in (`US`)."""

    column: str
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """Which rows leave: those whose cell is one of `values` or, if `negated`, is none of them.

    conditions.py defines how they are compared. A blank cell equals "" and nothing else. So that it doesn't
    pass for consent, name the values that mean consent ("True"), not those that don't ("False").
    """

    column: str
    values: frozenset[str]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Mapping:
    """What leaves. `attributes` has Klaviyo's names (`location.city`), `properties` the custom ones.

    With `clear_blanks`, a property whose cell is blank is cleared instead of left as it is. `consented_at`
    is the column of the time at which a person consented to email marketing.
    """

    email: str
    attributes: tuple[tuple[str, Source], ...] = ()
    properties: tuple[tuple[str, Source], ...] = ()
    only_if: Condition | None = None
    clear_blanks: bool = False
    consented_at: str | None = None

    def columns(self) -> list[str]:
        """Every column that the mapping reads."""
        condition = [self.only_if.column] if self.only_if else []
        consent = [self.consented_at] if self.consented_at is not None else []
        return [self.email, *(source.column for source in self.sources()), *condition, *consent]

    def sources(self) -> Iterator[Source]:
        """Where each attribute and property comes from."""
        for _, source in (*self.attributes, *self.properties):
            yield source

    def fingerprint(self) -> str:
        """The same for two mappings by which the same leaves, in whatever order they name it."""
        parts = [
            sorted((name, source.column, source.region) for name, source in each)
            for each in (self.attributes, self.properties)
        ]
        clears = self.clear_blanks and bool(self.properties)
        return blake2b(orjson.dumps([self.email, *parts, clears]), digest_size=8).hexdigest()
