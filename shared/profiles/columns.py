"""Finds a mapping's columns in a segment."""

import re
from collections.abc import Collection, Iterable, Sequence
from difflib import SequenceMatcher
from heapq import nlargest

from shared.errors import InvalidSegment, NotFound
from shared.text import MAX_LISTED, folded, listing, trim

_COMPARED = 40  # characters of a name that are compared
_CANDIDATES = 20  # names

# The beginning of a column name; Dynamics 365 has names such as `(Do Not Modify) Contact`.
_LETTER = re.compile(r"\(?[^\W\d_]")
# Names of the email column, in a few languages.
_MAIL = re.compile(r"mail|courriel|correo|e-?post", re.IGNORECASE)


def has_any(wanted: Collection[str], names: Sequence[str]) -> bool:
    """Whether one of the wanted columns is among the names, regardless of case and surrounding marks.

    If none is, the first record of the file may be a person's, and must not be shown.
    """
    return not ({folded(column) for column in wanted} - {""}).isdisjoint(map(folded, names))


def find_columns(
    wanted: Collection[str], names: Sequence[str], *, names_are_told: bool = True
) -> dict[str, int]:
    """The place of each wanted column among the names: the same name, else the same name trimmed, else one
    that differs in case and spaces.

    Raises NotFound if the segment lacks one, with the closest of its columns if they may be shown;
    InvalidSegment if it has two with one name, since either could be meant.
    """
    exact, trimmed, alike = (_places(map(form, names)) for form in (str, trim, _alike))
    trimmed.pop("", None)
    alike.pop("", None)
    found = {
        column: exact.get(column) or trimmed.get(trim(column)) or alike.get(_alike(column), [])
        for column in wanted
    }
    missing = sorted(column for column, places in found.items() if not places)
    if missing and not names_are_told:
        raise NotFound(
            f"The segment's file does not begin with column names that the export uses, such as "
            f"{listing(missing)}, and no model.json lists them.",
            code="unknown_column",
        )
    if missing:
        raise NotFound(
            f"The segment has no column {listing(missing)}. Its columns, the closest names first: "
            f"{listing(_closest_first(missing, names), len(dict.fromkeys(names)))}.",
            code="unknown_column",
        )
    doubled = sorted(column for column, places in found.items() if len(places) > 1)
    if doubled:
        raise InvalidSegment(
            f"The segment has two columns named {listing(doubled)}.", code="ambiguous_column"
        )
    return {column: places[0] for column, places in found.items()}


def email_column_of(names: Iterable[str]) -> str | None:
    """The first column whose name is usual for an email column."""
    return next(filter(_MAIL.search, names), None)


def look_like_names(names: Sequence[str]) -> bool:
    """Whether a file's first record can be shown as column names: False if it may be a person's cells.

    Names contain no @, more than half of them are distinct and begin with a letter, and one is a usual name
    for an email column, which no person has.
    """
    distinct = {name.strip() for name in names if _LETTER.match(name.strip())}
    return (
        email_column_of(names) is not None
        and 2 * len(distinct) > len(names)
        and not any("@" in name for name in names)
    )


def _places(names: Iterable[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    return places


def _closest_first(missing: Sequence[str], names: Iterable[str]) -> list[str]:
    """The names that a message shows, the closest to a missing one first.

    Only the names that share the most letters with a missing one go through the costly comparison.
    """
    sought = [_compared(name) for name in missing[:MAX_LISTED]]
    letters = [(set(each), len(set(each)) + 1) for each in sought]

    def shares(name: str) -> float:
        own = set(_compared(name))
        size = len(own)
        return max([len(own & each) / (size + more) for each, more in letters])

    def ratio(name: str) -> float:
        matcher = SequenceMatcher(None, "", _compared(name), autojunk=False)
        ratios = []
        for each in sought:
            matcher.set_seq1(each)
            ratios.append(matcher.ratio())
        return max(ratios)

    return nlargest(MAX_LISTED, nlargest(_CANDIDATES, dict.fromkeys(names), key=shares), key=ratio)


def _alike(name: str) -> str:
    return "".join(folded(name).split())


def _compared(name: str) -> str:
    return name[:_COMPARED].casefold()
