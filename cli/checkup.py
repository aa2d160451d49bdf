"""What `doctor` looks at: each thing by itself, so that what is wrong with one hides no other."""

import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path

from cli import mends
from shared import state
from shared.adapters.clock import Deadline
from shared.administration.validation import FOLDERS, Checked, stored_documents, validate
from shared.catalog import Connection, Cron, Export
from shared.errors import ExportError, NotFound
from shared.klaviyo import Klaviyo
from shared.klaviyo.calls import REVISION
from shared.runs.due import next_time
from shared.runs.heads.head import Head, read_head
from shared.runs.plan import PinnedSegment, Plan
from shared.segments import Segments
from shared.services import Services, open_account

# Seconds for all that is asked of Klaviyo.
ONLINE = 120
# Beyond it, leases and tokens can't be trusted.
MOST_SKEW = timedelta(seconds=60)
# Klaviyo keeps a revision stable for a year, and then deprecated for another.
STABLE = timedelta(days=365)
PROBE = state.probe("doctor")


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at and found; `mend` says what to do, and is blank where nothing is wrong.

    With `warning` it may well be meant so.
    """

    name: str
    message: str
    mend: str = ""
    warning: bool = False


def examine(services: Services) -> Iterator[Finding]:
    """Looks at everything that an export stands on. It writes a probe into the state, and nothing else."""
    yield _versions(services)
    if services.settings.exports_paused:
        yield Finding("settings", "EXPORTS_PAUSED is true: nothing is sent.", mends.ALL_PAUSED)
    yield _look("segments", lambda: _segments(services), mends.SEGMENTS)
    found = _state(services)
    yield found
    if not found.mend:
        yield _clock(services)
        yield from _documents(services)


def _look(name: str, look: Callable[[], str], place: Mapping[str, str]) -> Finding:
    try:
        return Finding(name, look())
    except ExportError as error:
        return _met(name, error, place)


def _met(name: str, error: ExportError, place: Mapping[str, str]) -> Finding:
    return Finding(name, f"{error.message} ({error.code})", mends.mend_of(error, place))


def _versions(services: Services) -> Finding:
    ours, python = version("segment-export"), platform.python_version()
    message = f"segment-export {ours}, Python {python}, Klaviyo's revision {REVISION}"
    is_old = services.clock.now().date() - date.fromisoformat(REVISION) > STABLE
    return Finding("versions", message, mends.REVISION if is_old else "")


def _segments(services: Services) -> str:
    names = Segments(services.segment_store, services.settings.segments_prefix).names()
    if not names:
        raise NotFound("There is no segment under SEGMENTS_URL.")
    return f"{len(names)} can be seen: {', '.join(names)}"


def _state(services: Services) -> Finding:
    scheme, _, folder = services.settings.state_url.partition(":")
    if scheme == "file" and not Path(folder).exists():
        # A probe would make it, and a mistyped path look like a state.
        return Finding("state", f"There is no folder {folder}.", mends.NO_FOLDER, warning=True)
    return _look("state", lambda: _probe(services), mends.STATE)


def _probe(services: Services) -> str:
    store = services.state
    store.write(PROBE, b"")
    lease = store.acquire(PROBE)
    lease.renew()
    store.read(PROBE)
    lease.release()
    store.delete(PROBE)
    return "written, held, read and deleted"


def _clock(services: Services) -> Finding:
    try:
        skew = abs(services.clock.now() - services.state.now())
    except ExportError as error:
        return _met("clock", error, mends.STATE)
    mend = mends.CLOCK if skew > MOST_SKEW else ""
    return Finding("clock", f"{skew.total_seconds():.0f} s from the store's", mend)


def _documents(services: Services) -> Iterator[Finding]:
    """Connections with secret and account; exports with list, segments and schedule."""
    try:
        documents = list(stored_documents(services))
    except ExportError as error:
        yield _met("documents", error, mends.STATE)
        return
    for folder, mend in zip(FOLDERS, (mends.NO_CONNECTION, mends.NO_EXPORT), strict=True):
        if not any(name.startswith(folder) for name, _ in documents):
            yield Finding(folder.rstrip("/"), "There is none here.", mend, warning=True)
    deadline = Deadline(services.clock, ONLINE)
    accounts: dict[str, Klaviyo] = {}
    for checked in validate(services, documents):
        yield _document(checked)
        match checked.document:
            case Connection() as connection:
                yield from _connection(services, connection, accounts, deadline)
            case Export() as export:
                yield _list(export, accounts, deadline)
                yield from (_segment(services, export, name) for name in export.segments)
                yield _schedule(services, export)


def _document(checked: Checked) -> Finding:
    if not checked.problems:
        return Finding(checked.name, "is valid")
    listed = "; ".join(f"{problem.pointer or '/'}: {problem.message}" for problem in checked.problems)
    listed += f"; and {checked.more:,} more" if checked.more else ""
    is_of_another = all(problem.pointer == "/connection" for problem in checked.problems) and checked.document
    return Finding(checked.name, listed, mends.CONNECTION_FIRST if is_of_another else mends.DOCUMENT)


def _connection(
    services: Services, connection: Connection, accounts: dict[str, Klaviyo], deadline: Deadline
) -> Iterator[Finding]:
    """Its secret and its account, which joins `accounts` where the key may read what a run reads."""

    def secret() -> str:
        services.vault.secret(connection.secret_name)
        return "can be read"

    def account() -> str:
        klaviyo = open_account(services, connection, deadline)
        next(klaviyo.jobs(deadline), None)
        accounts[connection.id] = klaviyo
        opened = klaviyo.account
        return (
            f"the key opens {opened.id} ({opened.name}), and may read lists, profiles and jobs; not tried, "
            "since only a post would tell: whether it may write them"
        )

    vault = mends.vault(services.settings)
    yield _look(f"secret {connection.secret_name}", secret, vault)
    yield _look(f"account of {connection.id}", account, vault)
    if connection.paused:
        yield Finding(f"pause of {connection.id}", "Nothing is sent over it.", mends.PAUSED)


def _list(export: Export, accounts: Mapping[str, Klaviyo], deadline: Deadline) -> Finding:
    name = f"list of {export.id}"
    klaviyo = accounts.get(export.connection)
    if klaviyo is None:
        message = f"not looked for: the connection {export.connection} doesn't open its account"
        return Finding(name, message, mends.CONNECTION_FIRST)
    return _look(name, lambda: f"is {klaviyo.read_list(export.list_id, deadline).name!r}", {})


def _segment(services: Services, export: Export, segment: str) -> Finding:
    """Whether it has a complete snapshot, with the columns that the export names."""

    def look() -> str:
        pinned = PinnedSegment.of(segment, services.segments.newest(segment))
        Plan(export=export, account_id="", segments=[pinned]).mappers()
        return f"{pinned.folder or 'its snapshot'} is complete, and has the columns"

    return _look(f"segment {segment} of {export.id}", look, mends.SEGMENTS)


def _schedule(services: Services, export: Export) -> Finding:
    name = f"schedule of {export.id}"
    try:
        head, _ = read_head(services.state, export.id)
    except NotFound:
        return Finding(name, f"{_when(services, export)}; no run yet")
    except ExportError as error:
        return _met(name, error, mends.HEAD)
    last = head.last_attempt
    if last is not None and last.status == "failed":
        message = f"the last run failed: {last.run}"
        return Finding(name, message, f"See why: segment-export runs show {last.run}.")
    return Finding(name, f"{_when(services, export)}; {_last_success(head)}")


def _when(services: Services, export: Export) -> str:
    when = export.schedule.when
    if not export.schedule.active:
        return "on demand only"
    if isinstance(when, Cron):
        return f"next at {next_time(when, services.clock.now()):%Y-%m-%d %H:%M} UTC"
    return "at each refresh"


def _last_success(head: Head) -> str:
    last = head.last_success
    return f"last success {last.finished_at:%Y-%m-%d %H:%M} UTC" if last else "no success yet"
