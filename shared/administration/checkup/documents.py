"""Checks the documents: connections with secret and account; exports with list, segments, schedule and
stored times."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from shared.adapters.clock import Deadline
from shared.administration.checkup import fixes
from shared.administration.checkup.finding import Finding, check, failed, too_far_ahead
from shared.administration.rights import is_object_id
from shared.administration.validation import FOLDERS, Checked, stored_documents, validate
from shared.catalog import Connection, Cron, Export
from shared.errors import ExportError, NotFound
from shared.klaviyo import Klaviyo
from shared.runs.due import next_time
from shared.runs.heads.head import Head, read_head
from shared.runs.plan import PinnedSegment, Plan
from shared.runs.views.ahead import times_ahead
from shared.services import Services, open_account
from shared.text import listing


def check_documents(services: Services, deadline: Deadline) -> Iterator[Finding]:
    """Checks every connection and export in the state, and everything that they refer to."""
    try:
        documents = list(stored_documents(services))
    except ExportError as error:
        yield failed("documents", error, fixes.STATE)
        return
    for folder, fix in zip(FOLDERS, (fixes.NO_CONNECTION, fixes.NO_EXPORT), strict=True):
        if not any(name.startswith(folder) for name, _ in documents):
            yield Finding(folder.rstrip("/"), "There are none.", fix, warning=True)
    accounts: dict[str, Klaviyo] = {}
    seen: dict[tuple[str, str], Finding] = {}
    for checked in validate(services, documents):
        yield _document(checked)
        match checked.document:
            case Connection() as connection:
                yield from _connection(services, connection, accounts, deadline)
            case Export() as export:
                yield _list(export, accounts, seen, deadline)
                yield from (_segment(services, export, name) for name in export.segments)
                yield from _runs(services, export)


def _document(checked: Checked) -> Finding:
    if not checked.problems:
        return Finding(checked.name, "is valid")
    listed = "; ".join(f"{problem.pointer or '/'}: {problem.message}" for problem in checked.problems)
    listed += f"; and {checked.more:,} more" if checked.more else ""
    is_of_another = all(problem.pointer == "/connection" for problem in checked.problems) and checked.document
    return Finding(checked.name, listed, fixes.CONNECTION_FIRST if is_of_another else fixes.DOCUMENT)


def _connection(
    services: Services, connection: Connection, accounts: dict[str, Klaviyo], deadline: Deadline
) -> Iterator[Finding]:
    """Checks secret and account; adds the account to `accounts` if the key may read what a run reads."""

    def secret() -> str:
        services.vault.secret(connection.secret_name)
        return "can be read"

    def account() -> str:
        klaviyo = open_account(services, connection, deadline)
        next(klaviyo.jobs(deadline), None)
        accounts[connection.id] = klaviyo
        opened = klaviyo.account
        what = "key" if connection.sign_in == "api_key" else "sign-in"
        return (
            f"the {what} opens {opened.id} ({opened.name}) and can read lists, profiles and jobs; write "
            "access was not tested, since only a post would show it"
        )

    vault = fixes.vault(services.settings)
    if connection.sign_in == "api_key":
        yield check(f"secret {connection.secret_name}", secret, vault)
    yield check(f"account of {connection.id}", account, vault)
    if nobody := [each for each in _shared_with(connection) if not is_object_id(each)]:
        message = f"These are not object ids and match nobody: {listing(nobody)}."
        yield Finding(f"sharing of {connection.id}", message, fixes.SHARING, warning=True)
    if connection.paused:
        yield Finding(f"pause of {connection.id}", "Nothing is sent over this connection.", fixes.PAUSED)


def _shared_with(connection: Connection) -> tuple[str, ...]:
    return connection.shared_with if isinstance(connection.shared_with, tuple) else ()


def _list(
    export: Export,
    accounts: Mapping[str, Klaviyo],
    seen: dict[tuple[str, str], Finding],
    deadline: Deadline,
) -> Finding:
    """Checks the list; once, even if several exports send to it."""
    name = f"list of {export.id}"
    if export.connection is None:
        return Finding(name, "not checked: the export has no connection", fixes.DETACHED)
    klaviyo = accounts.get(export.connection)
    if klaviyo is None:
        message = f"not checked: the connection {export.connection} does not open its account"
        return Finding(name, message, fixes.CONNECTION_FIRST)
    key = (klaviyo.account.id, export.list_id)
    if key not in seen:
        seen[key] = check(name, lambda: f"is {klaviyo.read_list(export.list_id, deadline).name!r}", {})
    return replace(seen[key], name=name)


def _segment(services: Services, export: Export, segment: str) -> Finding:
    """Checks that the segment has a complete snapshot, with the columns that the export names."""

    def look() -> str:
        pinned = PinnedSegment.of(segment, services.segments.newest(segment))
        Plan(export=export, account_id="", segments=[pinned]).mappers()
        return f"{pinned.folder or 'its snapshot'} is complete and has the columns"

    return check(f"segment {segment} of {export.id}", look, fixes.SEGMENTS)


def _runs(services: Services, export: Export) -> Iterator[Finding]:
    """Reports the export's next run and the result of its last ones, and checks the stored times."""
    name = f"schedule of {export.id}"
    try:
        head, _ = read_head(services.state, export.id)
    except NotFound:
        yield Finding(name, f"{_when(services, export)}; no run yet")
        return
    except ExportError as error:
        yield failed(name, error, fixes.HEAD)
        return
    last = head.last_attempt
    if last is not None and last.status == "failed":
        message = f"the last run failed: {last.run}"
        yield Finding(name, message, f"See why: segment-export runs show {last.run}.")
    else:
        yield Finding(name, f"{_when(services, export)}; {_last_success(head)}")
    if times := list(times_ahead(head, services.clock.now())):
        yield too_far_ahead(f"times of {export.id}", times)


def _when(services: Services, export: Export) -> str:
    when = export.schedule.when
    if not export.is_active:
        return "on demand only"
    if isinstance(when, Cron):
        return f"next at {next_time(when, services.clock.now()):%Y-%m-%d %H:%M} UTC"
    return "at each refresh"


def _last_success(head: Head) -> str:
    last = head.last_success
    return f"last success {last.finished_at:%Y-%m-%d %H:%M} UTC" if last else "no success yet"
