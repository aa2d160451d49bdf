"""The files of one refresh, before it is known that all of them are there."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from posixpath import basename, dirname

from shared.adapters.storage.store import BlobInfo, Store
from shared.segments.layout import csv_files, run_folders
from shared.segments.locations import NO_RUN, run_time
from shared.segments.model import EPOCH, Entity, Model
from shared.segments.tables import Table

# How long files lie unchanged where nothing else tells that they are whole.
QUIET = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Draft:
    """What may become a snapshot. Where model.json lists its files, `missing` are those that aren't there.

    A segment's drafts are ordered by `version`: their run folder, then refreshTime, then, where model.json
    has neither, modifiedTime, which changes with every other segment's refresh too.
    """

    folder: str
    version: str
    refreshed_at: datetime
    files: tuple[BlobInfo, ...]
    missing: tuple[str, ...] = ()
    is_listed: bool = False


def drafts(store: Store, table: Table) -> Iterator[Draft]:
    """A segment's drafts, the newest first, listed as far as they are asked for.

    They are what model.json lists, and the run folders before it (all of them where it lists nothing);
    without any, the files in the entity's folder, or those beside model.json that have its name.
    """
    entity, before = table.entity, "9" * 12
    if entity and entity.locations:
        listed = _listed(store, entity)
        yield listed
        before = run_time(listed.folder)
    has_runs = False
    for folder in run_folders(store, table.folder):
        has_runs = True
        if (run := run_time(folder)) < before:
            files = tuple(csv_files(store, folder))
            yield Draft(folder, _version(run), _refreshed((_time(run),), files), files)
    if entity and table.model and not entity.locations and not has_runs:
        yield _undated(store, entity, table.folder, table.model.folder)


def listed_version(entity: Entity) -> str:
    """The version of what model.json lists, without a look at the files."""
    run = max(map(run_time, map(dirname, entity.locations)))
    return _version(run, entity.refreshed_at, entity.modified_at)


def unfinished(store: Store, draft: Draft, model: Model | None) -> str | None:
    """Why the draft is no whole snapshot, with the file to look at; None where it is one.

    Whole are files that have not changed for two minutes by the store's clock. Those that model.json lists
    must all be there, and are whole at once where none of them is newer than that model.json: Customer
    Insights writes it last, and so does a copy, or else its files are newer and have to lie still.
    """
    if draft.missing:
        count = len(draft.files) + len(draft.missing)
        return f"{draft.missing[0]} is not there ({len(draft.missing)} of {count} files are missing)"
    if not draft.files:
        return f"{draft.folder} holds no CSV file of it"
    last = max(draft.files, key=lambda file: file.last_modified)
    if draft.is_listed and model:
        sign = store.stat(model.name)
        if sign.etag == model.etag and sign.last_modified >= last.last_modified:
            return None
    if store.now() - last.last_modified >= QUIET:
        return None
    return f"{last.name} was written less than two minutes ago, so it may not be all there yet"


def _listed(store: Store, entity: Entity) -> Draft:
    names = dict.fromkeys(entity.locations)
    folders = dict.fromkeys(map(dirname, names))
    there = {blob.name: blob for folder in folders for blob in store.level(folder).blobs}
    folder = max(folders, key=run_time)
    run = run_time(folder)
    files = tuple(there[name] for name in names if name in there)
    return Draft(
        folder=folder,
        version=listed_version(entity),
        refreshed_at=_refreshed((entity.refreshed_at, _time(run), entity.modified_at), files),
        files=files,
        missing=tuple(name for name in names if name not in there),
        is_listed=True,
    )


def _undated(store: Store, entity: Entity, own: str, beside: str) -> Draft:
    folder, files = own, csv_files(store, own)
    if not files:
        folder, files = beside, [file for file in csv_files(store, beside) if _is_of(entity, file)]
    version = _version(NO_RUN, modified_at=entity.modified_at)
    return Draft(folder, version, _refreshed((entity.modified_at,), files), tuple(files))


def _refreshed(times: Sequence[datetime], files: Sequence[BlobInfo]) -> datetime:
    """The first time that is known, else when the newest file was written: for people, it orders nothing."""
    known = (time for time in times if time != EPOCH)
    return next(known, None) or max((file.last_modified for file in files), default=EPOCH)


def _is_of(entity: Entity, file: BlobInfo) -> bool:
    """Whether the file has the entity's name, with or without a number."""
    return bool(re.fullmatch(re.escape(entity.name) + r"(_\d+)?\.csv(\.gz)?", basename(file.name), re.I))


def _version(run: str, refreshed_at: datetime = EPOCH, modified_at: datetime = EPOCH) -> str:
    if run != NO_RUN or refreshed_at != EPOCH:
        modified_at = EPOCH
    return f"{run} {refreshed_at.isoformat()} {modified_at.isoformat()}"


def _time(run: str) -> datetime:
    try:
        return datetime.strptime(run, "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return EPOCH
