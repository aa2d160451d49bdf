"""Which of the files that no model.json lists are certainly a table's, by their names.

Customer Insights writes <table>_<partition>.csv, and did write <export>_<table>_<unix time>.csv.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from posixpath import basename

from shared.adapters.storage.store import BlobInfo
from shared.segments.messages import quoted
from shared.segments.owners import letters

_FILE = re.compile(r"(?P<name>.*?)(?P<number>_\d+)?\.csv(\.gz)?", re.IGNORECASE | re.ASCII | re.DOTALL)
# What others than Customer Insights call partitions: a number, or as Spark does.
_NUMBERED = re.compile(r"\d+|part-\d+.*", re.IGNORECASE | re.ASCII | re.DOTALL)
# A partition's number has fewer digits than a time.
_TIME_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Own:
    """A table's files, or the `doubt` for which none of them is taken."""

    files: tuple[BlobInfo, ...] = ()
    doubt: str = ""


class Names:
    """The names of an export's tables."""

    def __init__(self, export: str, tables: Iterable[str]) -> None:
        self._export = f"{export}_" if export else ""
        self._exact = set(tables)
        self._folded: dict[str, set[str]] = defaultdict(set)
        self._letters: dict[str, set[str]] = defaultdict(set)
        for table in self._exact:
            self._folded[table.casefold()].add(table)
            self._letters[letters(table)].add(table)

    def tables(self, file: str, *, letters_do: bool = True) -> set[str]:
        """The tables that the file may be of: those called so, else those but for case, else punctuation."""
        forms = self._forms(file)
        exact = forms & self._exact
        folded = exact or _union(self._folded.get(form.casefold()) for form in forms)
        if folded or not letters_do:
            return folded
        return _union(self._letters.get(letters(form)) for form in forms)

    def _forms(self, file: str) -> set[str]:
        name, number = _parts(file)
        forms = {name, name + number}
        return forms | {form.removeprefix(self._export) for form in forms if form != self._export}


def own(files: Sequence[BlobInfo], table: str, names: Names | None) -> Own:
    """The files of a folder that is the table's own; `names` are None where no model.json tells of others.

    They need not be called like it, but then all alike, and nothing beside them may be called like a table.
    """
    claims = {file.name: names.tables(file.name) if names else set() for file in files}
    mine = [file for file in files if table in claims[file.name]]
    unclear = [file for file in files if not claims[file.name]]
    if unclear and (len(unclear) < len(files) or len({_stem(file) for file in unclear}) > 1):
        return _doubt(unclear[-1])
    return _newest(mine or unclear)


def own_beside(files: Iterable[BlobInfo], names: Names) -> dict[str, Own]:
    """Of the files beside a model.json, those that have a table's name, by the tables."""
    found: dict[str, list[BlobInfo]] = defaultdict(list)
    doubts: dict[str, Own] = {}
    for file in files:
        tables = names.tables(file.name, letters_do=False)
        for table in tables:
            found[table].append(file)
            if len(tables) > 1:
                doubts.setdefault(table, _doubt(file))
    return {table: doubts.get(table) or _newest(each) for table, each in found.items()}


def _newest(files: Sequence[BlobInfo]) -> Own:
    """Files with times in their names are one refresh each, and only the last counts."""
    times = {file.name: number for file in files if len(number := _parts(file.name)[1]) > _TIME_DIGITS}
    if not times:
        return Own(tuple(files))
    newest = max(times.values(), key=lambda number: int(number[1:]))
    if without := [file for file in files if file.name not in times]:
        return _doubt(without[0])
    return Own(tuple(file for file in files if times[file.name] == newest))


def _doubt(file: BlobInfo) -> Own:
    return Own(doubt=f"{quoted(file.name)} may be another segment's, by its name and those beside it")


def _stem(file: BlobInfo) -> str:
    name, number = _parts(file.name)
    return "" if not number and _NUMBERED.fullmatch(name) else name.casefold()


def _parts(file: str) -> tuple[str, str]:
    """The file's name without its ending, and what `_<number>` it ends in."""
    found = _FILE.fullmatch(basename(file))
    return (found["name"], found["number"] or "") if found else (basename(file), "")


def _union(sets: Iterable[set[str] | None]) -> set[str]:
    return set().union(*(each for each in sets if each))
