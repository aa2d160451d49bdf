"""Which cells a condition lets pass."""

import pytest

from shared.profiles import Condition
from shared.profiles.conditions import test_of as condition_test

INVISIBLE = [
    "\u200b",
    "\u200d",
    "\u00ad",
    "\ufeff",
    "\u2060",
    "\u202e",
    "\u034f",
    "\ufe0f",
    "\x00",
    "\x08",
    "\x7f",
    "\u200a",
]


def passes(data_type: str, cell: str, *values: str, negated: bool = False) -> bool:
    return condition_test(Condition("Consent", frozenset(values), negated), data_type)(cell)


@pytest.mark.parametrize("data_type", ["boolean", "string"])
@pytest.mark.parametrize("mark", INVISIBLE)
def test_an_invisible_character_gets_nobody_past_a_condition(data_type: str, mark: str) -> None:
    """A cell that looks like a value is not another one, and is not that value either."""
    for cell in (f"Fal{mark}se", f"{mark}False", f"False{mark}", f"F{mark}alse{mark}"):
        assert not passes(data_type, cell, "False", negated=True)
        assert not passes(data_type, cell, "No", "False", negated=True)
    assert not passes(data_type, f"Tr{mark}ue", "True")
    assert not passes(data_type, f"Tr{mark}ue", "True", "yes")


@pytest.mark.parametrize("data_type", ["boolean", "string", "int64"])
@pytest.mark.parametrize("mark", [" ", "\u200b", "\ufeff", "\u00a0\u200b", "\u200d", "\u3164", "\x01"])
def test_a_cell_of_invisible_characters_is_blank(data_type: str, mark: str) -> None:
    """Nothing to see is nothing, for each test that asks for it."""
    assert passes(data_type, mark, "")
    assert not passes(data_type, mark, "", negated=True)


@pytest.mark.parametrize("cell", ["True\u200b", "\ufeffTrue", " True\u00a0", "\u202aTrue\u202c"])
def test_marks_around_a_cell_do_not_count(cell: str) -> None:
    """What copying brings along is no part of a value, in the condition as little as in the cell."""
    assert passes("string", cell, "True")
    assert passes("boolean", cell, "TRUE")
    assert passes("string", "True", cell)


@pytest.mark.parametrize(
    ("cell", "expected"), [("True", True), ("true", True), ("", True), ("False", False), ("FALSE", False)]
)
def test_a_boolean_column_is_compared_without_regard_to_case(cell: str, expected: bool) -> None:
    """Who did not say false passes where false must not be, as the documentation has it."""
    assert passes("boolean", cell, "False", negated=True) == expected


@pytest.mark.parametrize("cell", ["0", "No", "F", "Falsch", "null", "\uff26alse"])
def test_what_is_neither_true_nor_false_is_in_doubt(cell: str) -> None:
    """In a boolean column it equals neither, and passes for not equal to neither."""
    for value in ("True", "False"):
        assert not passes("boolean", cell, value)
        assert not passes("boolean", cell, value, negated=True)
    assert passes("boolean", cell, "", negated=True)


@pytest.mark.parametrize("data_type", ["int64", "double", "decimal"])
@pytest.mark.parametrize("cell", ["0", "0.0", "-0", "00", "0E0", "0.00 "])
def test_a_numeric_column_is_compared_as_a_number(data_type: str, cell: str) -> None:
    """However a number is written, it is that number; in a text column it is a text."""
    assert passes(data_type, cell, "0")
    assert not passes(data_type, cell, "0.0", negated=True)
    assert passes(data_type, "1.0", "0", negated=True)
    assert passes("string", "0.0", "0", negated=True)


def test_full_width_letters_do_not_get_past_a_condition() -> None:
    """What is the same in Unicode's compatible form is not another value."""
    assert not passes("string", "\uff26\uff41\uff4c\uff53\uff45", "False", negated=True)
    assert passes("string", "No thanks", "False", negated=True)


def test_joiners_are_a_part_of_words() -> None:
    """A value that is written with one is found as it is written."""
    assert passes("string", "क्\u200dष", "क्\u200dष")
    assert not passes("string", "क्ष", "क्\u200dष", negated=True)
