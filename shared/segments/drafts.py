"""The files of one refresh, before it is known that all of them are there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from posixpath import dirname

from shared.adapters.storage.store import BlobInfo, Store
from shared.segments.layout import Listings, csv_files, holds_model, run_folders
from shared.segments.locations import NO_RUN, run_time
from shared.segments.model import EPOCH, Entity, Model
from shared.segments.naming import Own, own
from shared.segments.tables import Table, Tables
from shared.text import shown

# How long files lie unchanged where nothing else tells that they are whole.
QUIET = timedelta(minutes=2)
# A model.json that is so much newer than a run folder, and does not list it, is about a later refresh,
# whatever time zone the folder's name is in.
OUTDATED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Draft:
    """What may become a snapshot. Where model.json lists its files, `missing` are those that aren't there.

    With `doubt`, nobody knows which files are the segment's. A draft that `needs_header` is older than what
    model.json describes: its columns may have been others.

    A segment's drafts are ordered by `version`: their run folder, then refreshTime, then, where model.json
    has neither, modifiedTime, which changes with every other segment's refresh too.
    """

    folder: str
    version: str
    refreshed_at: datetime
    files: tuple[BlobInfo, ...]
    missing: tuple[str, ...] = ()
    is_listed: bool = False
    doubt: str = ""
    needs_header: bool = False


def drafts(tables: Tables, table: Table) -> Iterator[Draft]:
    """A segment's drafts, the newest first, listed as far as they are asked for.

    They are what model.json lists, and the run folders before it (all of them where it lists nothing);
    without any, the files in the entity's folder, or those beside model.json that have its name. A folder
    that others have a claim to has none, but for the files that are listed.
    """
    entity, listings = table.entity, tables.listings
    before, is_older, has_runs = "9" * 12, False, False
    if entity and entity.locations:
        listed = _listed(listings, entity)
        yield listed
        before, is_older = run_time(listed.folder), True
    is_sole = table.is_sole and not holds_model(listings, table.folder)
    has_header = entity.csv_format.has_header if entity else None
    for folder in run_folders(listings, table.folder) if is_sole and has_header is not False else ():
        if (run := run_time(folder)) < before:
            found = own(csv_files(listings, folder), table.name, table.names)
            is_older |= entity is not None and entity.modified_at - _time(run) > OUTDATED
            yield _of(found, folder, _version(run), _time(run), needs_header=is_older)
            is_older = has_runs = True
    if entity and not entity.locations and not has_runs:
        files = csv_files(listings, table.folder) if is_sole else []
        folder = table.folder if files or not table.model else table.model.folder
        found = own(files, table.name, table.names) if files else tables.beside(table)
        if not is_sole and found == Own():
            found = Own(doubt=f"{shown(table.folder)} may be another segment's")
        yield _of(found, folder, _version(NO_RUN, modified_at=entity.modified_at), entity.modified_at)


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
        return f"{shown(draft.missing[0])} is not there ({len(draft.missing)} of {count} files are missing)"
    if draft.doubt:
        return draft.doubt
    if not draft.files:
        return f"{shown(draft.folder) or 'SEGMENTS_URL'} holds no CSV file of it"
    last = max(draft.files, key=lambda file: file.last_modified)
    if draft.is_listed and model:
        sign = store.stat(model.name)
        if sign.etag == model.etag and sign.last_modified >= last.last_modified:
            return None
    if store.now() - last.last_modified >= QUIET:
        return None
    return f"{shown(last.name)} was written less than two minutes ago, so it may not be all there yet"


def _listed(listings: Listings, entity: Entity) -> Draft:
    names = dict.fromkeys(entity.locations)
    folders = dict.fromkeys(map(dirname, names))
    there = {name: blob for name in names if (blob := listings.blob(name))}
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


def _of(own: Own, folder: str, version: str, refreshed_at: datetime, *, needs_header: bool = False) -> Draft:
    return Draft(
        folder=folder,
        version=version,
        refreshed_at=_refreshed((refreshed_at,), own.files),
        files=own.files,
        doubt=own.doubt,
        needs_header=needs_header,
    )


def _refreshed(times: Sequence[datetime], files: Sequence[BlobInfo]) -> datetime:
    """The first time that is known, else when the newest file was written: for people, it orders nothing."""
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
