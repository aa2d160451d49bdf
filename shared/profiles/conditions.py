"""Which rows pass `only_if`; doubtful ones don't."""

from collections.abc import Callable
from unicodedata import normalize

from shared.profiles.mapping import Condition
from shared.profiles.values import NUMERIC, to_comparable
from shared.profiles.visible import value_of, visible

type Test = Callable[[str], bool]

_BOOLEANS = frozenset({"true", "false"})


def test_of(condition: Condition, data_type: str) -> Test:
    """The condition as a test of a cell, by the type that model.json gives its column.

    Cells and values are compared without surrounding white space and invisible marks: in a boolean column
    regardless of case, in a numeric one as numbers. A cell that must not equal a value must not look like it
    either, regardless of case; and in a boolean column, a cell that is neither true, false nor blank equals
    both.
    """
    like = _like(data_type)
    values = frozenset(like(value_of(value)) for value in condition.values)
    if not condition.negated:
        as_they_stand = condition.values  # decides nearly every cell
        return lambda cell: cell in as_they_stand or like(value_of(cell)) in values
    looks = frozenset(like(_look(value)) for value in condition.values)
    if data_type == "boolean" and not looks.isdisjoint(_BOOLEANS):
        passing = frozenset({"", *_BOOLEANS}) - looks
        return lambda cell: like(value_of(cell)) in passing
    return lambda cell: like(value_of(cell)) not in values and like(_look(cell)) not in looks


def _like(data_type: str) -> Callable[[str], object]:
    if data_type == "boolean":
        return str.lower
    return to_comparable if data_type in NUMERIC else str


def _look(text: str) -> str:
    """The visible part of a text, without case, and with plain letters for full-width ones and the like."""
    return visible(normalize("NFKC", text)).casefold()
