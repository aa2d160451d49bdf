"""Matches files that no model.json lists to entities, by their names, if these leave no doubt.

Customer Insights writes <table>_<partition>.csv; earlier versions wrote <export>_<table>_<unix time>.csv.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from posixpath import basename

from shared.adapters.storage.store import BlobInfo
from shared.segments.discovery.ownership import normalized
from shared.text import quoted

_FILE = re.compile(r"(?P<name>.*?)(?P<number>_\d+)?\.csv(\.gz)?", re.IGNORECASE | re.ASCII | re.DOTALL)
# Names of partitions by other software: a number, or Spark's form.
_NUMBERED = re.compile(r"\d+|part-\d+.*", re.IGNORECASE | re.ASCII | re.DOTALL)
# A partition's number has fewer digits than a time.
_TIME_DIGITS = 10


@dataclass(frozen=True, slots=True)
class MatchedFiles:
    """An entity's files, or the `ambiguity` because of which none of them is taken."""

    files: tuple[BlobInfo, ...] = ()
    ambiguity: str = ""


class NameMatcher:
    """Matches names of files to the names of an export's entities."""

    def __init__(self, export: str, entities: Iterable[str]) -> None:
        self._export = f"{export}_" if export else ""
        self._exact = set(entities)
        self._folded: dict[str, set[str]] = defaultdict(set)
        self._normalized: dict[str, set[str]] = defaultdict(set)
        for entity in self._exact:
            self._folded[entity.casefold()].add(entity)
            self._normalized[normalized(entity)].add(entity)

    def entities(self, file: str, *, ignore_punctuation: bool = True) -> set[str]:
        """The entities that the file may belong to: by exact name, else without case, else punctuation."""
        forms = self._forms(file)
        exact = forms & self._exact
        folded = exact or _union(self._folded.get(form.casefold()) for form in forms)
        if folded or not ignore_punctuation:
            return folded
        return _union(self._normalized.get(normalized(form)) for form in forms)

    def _forms(self, file: str) -> set[str]:
        name, number = _parts(file)
        forms = {name, name + number}
        return forms | {form.removeprefix(self._export) for form in forms if form != self._export}


def match_in_folder(files: Sequence[BlobInfo], entity: str, matcher: NameMatcher | None) -> MatchedFiles:
    """The entity's files in its own folder; `matcher` is None if no model.json names other entities.

    The files may have any name, but then they all need the same one, and none may have an entity's.
    """
    claims = {file.name: matcher.entities(file.name) if matcher else set() for file in files}
    named = [file for file in files if entity in claims[file.name]]
    unnamed = [file for file in files if not claims[file.name]]
    if unnamed and (len(unnamed) < len(files) or len({_stem(file) for file in unnamed}) > 1):
        return _ambiguous(unnamed[-1])
    return _newest(named or unnamed)


def match_beside_model(files: Iterable[BlobInfo], matcher: NameMatcher) -> dict[str, MatchedFiles]:
    """Of the files next to a model.json, those that have an entity's name, by entity."""
    found: dict[str, list[BlobInfo]] = defaultdict(list)
    ambiguous: dict[str, MatchedFiles] = {}
    for file in files:
        entities = matcher.entities(file.name, ignore_punctuation=False)
        for entity in entities:
            found[entity].append(file)
            if len(entities) > 1:
                ambiguous.setdefault(entity, _ambiguous(file))
    return {entity: ambiguous.get(entity) or _newest(each) for entity, each in found.items()}


def _newest(files: Sequence[BlobInfo]) -> MatchedFiles:
    """Files with times in their names are one refresh each, and only the newest counts."""
    times = {file.name: number for file in files if len(number := _parts(file.name)[1]) > _TIME_DIGITS}
    if not times:
        return MatchedFiles(tuple(files))
    newest = max(times.values(), key=lambda number: int(number[1:]))
    if without := [file for file in files if file.name not in times]:
        return _ambiguous(without[0])
    return MatchedFiles(tuple(file for file in files if times[file.name] == newest))


def _ambiguous(file: BlobInfo) -> MatchedFiles:
    return MatchedFiles(
        ambiguity=f"{quoted(file.name)} may be another segment's, by its name and those next to it"
    )


def _stem(file: BlobInfo) -> str:
    name, number = _parts(file.name)
    return "" if not number and _NUMBERED.fullmatch(name) else name.casefold()


def _parts(file: str) -> tuple[str, str]:
    """The file's name without its extension, and the `_<number>` at its end."""
    found = _FILE.fullmatch(basename(file))
    return (found["name"], found["number"] or "") if found else (basename(file), "")


def _union(sets: Iterable[set[str] | None]) -> set[str]:
    return set().union(*(each for each in sets if each))
