"""The files of one refresh, before they are known to be complete."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from posixpath import dirname

from shared.adapters.storage.store import BlobInfo, Store
from shared.segments.discovery.entity import EPOCH, Entity
from shared.segments.discovery.entries import SegmentEntry
from shared.segments.discovery.file_names import MatchedFiles, match_in_folder
from shared.segments.discovery.index import SegmentIndex
from shared.segments.discovery.layout import StoreCache, csv_files, holds_model, run_folders
from shared.segments.discovery.locations import NO_RUN, run_time
from shared.segments.discovery.model import Model
from shared.text import shown

# How long files must be unchanged if nothing else shows that they are complete.
QUIET = timedelta(minutes=2)
# A model.json that is this much newer than a run folder, and does not list it, describes a later refresh,
# regardless of the time zone of the folder's name.
OUTDATED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SnapshotCandidate:
    """A potential snapshot. If model.json lists its files, `missing` are those that don't exist.

    With `ambiguity`, it is unknown which files are the segment's. One that `needs_header` is older than the
    files that model.json describes, so its columns may differ.

    A segment's candidates are ordered by `version`: their run folder, then refreshTime, then, if model.json
    has neither, modifiedTime, which also changes with every other segment's refresh.
    """

    folder: str
    version: str
    refreshed_at: datetime
    files: tuple[BlobInfo, ...]
    missing: tuple[str, ...] = ()
    is_listed: bool = False
    ambiguity: str = ""
    needs_header: bool = False


def candidates(index: SegmentIndex, entry: SegmentEntry) -> Iterator[SnapshotCandidate]:
    """Yields a segment's candidates, newest first; lists no more folders than the caller takes.

    They are the files that model.json lists, and the run folders before them (all of them if it lists
    nothing); without any, the files in the entity's folder, or those next to model.json with its name. A
    folder that others have a claim to has none, except listed files.
    """
    entity, store = entry.entity, index.store
    before, is_older, has_runs = "9" * 12, False, False
    if entity and entity.locations:
        listed = _listed(store, entity)
        yield listed
        before, is_older = run_time(listed.folder), True
    is_exclusive = entry.is_exclusive and not holds_model(store, entry.folder)
    has_header = entity.csv_format.has_header if entity else None
    for folder in run_folders(store, entry.folder) if is_exclusive and has_header is not False else ():
        if (run := run_time(folder)) < before:
            found = match_in_folder(csv_files(store, folder), entry.name, entry.matcher)
            is_older |= entity is not None and entity.modified_at - _time(run) > OUTDATED
            yield _of(found, folder, _version(run), _time(run), needs_header=is_older)
            is_older = has_runs = True
    if entity and not entity.locations and not has_runs:
        files = csv_files(store, entry.folder) if is_exclusive else []
        folder = entry.folder if files or not entry.model else entry.model.folder
        found = (
            match_in_folder(files, entry.name, entry.matcher) if files else index.files_beside_model(entry)
        )
        if not is_exclusive and found == MatchedFiles():
            found = MatchedFiles(ambiguity=f"{shown(entry.folder)} may be another segment's")
        yield _of(found, folder, _version(NO_RUN, modified_at=entity.modified_at), entity.modified_at)


def listed_version(entity: Entity) -> str:
    """The version of the files that model.json lists, without looking at them."""
    run = max(map(run_time, map(dirname, entity.locations)))
    return _version(run, entity.refreshed_at, entity.modified_at)


def why_incomplete(
    store: Store, cache: StoreCache, candidate: SnapshotCandidate, model: Model | None
) -> str | None:
    """Why the candidate is not a complete snapshot, with the file to look at; None if it is one.

    It is complete if its files have not changed for two minutes by the store's clock. Those that model.json
    lists must all exist, and are complete at once if none is newer than that model.json: Customer Insights
    writes it last, and so does a copy; otherwise its files are newer, and must wait.
    """
    if candidate.missing:
        count = len(candidate.files) + len(candidate.missing)
        return (
            f"{shown(candidate.missing[0])} does not exist "
            f"({len(candidate.missing)} of {count} files are missing)"
        )
    if candidate.ambiguity:
        return candidate.ambiguity
    if not candidate.files:
        return f"{shown(candidate.folder) or 'SEGMENTS_URL'} has no CSV file of the segment"
    last = max(candidate.files, key=lambda file: file.last_modified)
    if candidate.is_listed and model:
        stat = cache.stat(model.name)
        if stat.etag == model.etag and stat.last_modified >= last.last_modified:
            return None
    if store.now() - last.last_modified >= QUIET:
        return None
    return f"{shown(last.name)} was written less than two minutes ago, so files may still be missing"


def _listed(store: StoreCache, entity: Entity) -> SnapshotCandidate:
    names = dict.fromkeys(entity.locations)
    folders = dict.fromkeys(map(dirname, names))
    existing = {name: blob for name in names if (blob := store.blob(name))}
    folder = max(folders, key=run_time)
    run = run_time(folder)
    files = tuple(existing.values())
    return SnapshotCandidate(
        folder=folder,
        version=listed_version(entity),
        refreshed_at=_refreshed((entity.refreshed_at, _time(run), entity.modified_at), files),
        files=files,
        missing=tuple(name for name in names if name not in existing),
        is_listed=True,
    )


def _of(
    found: MatchedFiles, folder: str, version: str, refreshed_at: datetime, *, needs_header: bool = False
) -> SnapshotCandidate:
    return SnapshotCandidate(
        folder=folder,
        version=version,
        refreshed_at=_refreshed((refreshed_at,), found.files),
        files=found.files,
        ambiguity=found.ambiguity,
        needs_header=needs_header,
    )


def _refreshed(times: Sequence[datetime], files: Sequence[BlobInfo]) -> datetime:
    """The first known time, else when the newest file was written: for display only, not for ordering."""
    known = (time for time in times if time != EPOCH)
    return next(known, None) or max((file.last_modified for file in files), default=EPOCH)


def _version(run: str, refreshed_at: datetime = EPOCH, modified_at: datetime = EPOCH) -> str:
    if run != NO_RUN or refreshed_at != EPOCH:
        modified_at = EPOCH
    return f"{run} {refreshed_at.isoformat()} {modified_at.isoformat()}"


def _time(run: str) -> datetime:
    try:
        return datetime.strptime(run, "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return EPOCH
