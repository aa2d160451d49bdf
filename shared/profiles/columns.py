"""Finds a mapping's columns among those that a segment has."""

from collections import Counter
from collections.abc import Collection, Sequence
from difflib import SequenceMatcher

from shared.errors import InvalidSegment, NotFound


def has_any(wanted: Collection[str], names: Sequence[str]) -> bool:
    """Whether one of the wanted columns is among the names, whatever its case.

    Where none is, what stands in a file's first record may be a person's, and is not told.
    """
    return not {column.casefold() for column in wanted}.isdisjoint(name.casefold() for name in names)


def find_columns(
    wanted: Collection[str], names: Sequence[str], *, names_are_told: bool = True
) -> dict[str, int]:
    """The place of each wanted column among the names.

    Raises NotFound where the segment lacks one, with the columns it has, the closest names first, if they
    may be told; InvalidSegment where it has two of one name, since nobody can tell which is meant.
    """
    counts = Counter(names)
    missing = sorted({column for column in wanted if not counts[column]})
    if missing and not names_are_told:
        raise NotFound(
            f"The segment's file does not begin with names of columns that the export knows, such as "
            f"{_list(missing)}, and no model.json has them.",
            code="unknown_column",
        )
    if missing:
        raise NotFound(
            f"The segment has no column {_list(missing)}. Its columns, the closest names first: "
            f"{_list(_closest_first(missing, names))}.",
            code="unknown_column",
        )
    doubled = sorted({column for column in wanted if counts[column] > 1})
    if doubled:
        raise InvalidSegment(f"The segment has two columns {_list(doubled)}.", code="ambiguous_column")
    return {column: names.index(column) for column in wanted}


def _closest_first(missing: Sequence[str], names: Sequence[str]) -> list[str]:
    def distance(name: str) -> float:
        return -max(SequenceMatcher(None, name.lower(), other.lower()).ratio() for other in missing)

    return sorted(dict.fromkeys(names), key=distance)


def _list(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names)) or "none"
