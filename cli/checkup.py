"""What `doctor` looks at: each thing by itself, so that what is wrong with one hides no other."""

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.metadata import version

from shared.adapters.clock import Deadline
from shared.catalog import Connection, Cron, Export
from shared.errors import ExportError, NotFound, TryLater
from shared.klaviyo.calls import REVISION
from shared.runs.due import next_time
from shared.runs.head import Head, read_head
from shared.runs.pinning import open_account
from shared.runs.services import Services
from shared.runs.validation import stored_documents, validate

# Seconds for all that is asked of Klaviyo.
ONLINE = 120
# Beyond it, leases and tokens can't be trusted.
MOST_SKEW = timedelta(seconds=60)
# Klaviyo keeps a revision stable for a year, and then deprecated for another.
STABLE = timedelta(days=365)
PROBE = "locks/doctor"

MEND_DOCUMENT = "Mend it and write it again: segment-export apply -f FILE."
MEND_KEY = "Put a private key with the scopes of docs/security.md into the vault, under this name."
MEND_REVISION = "Klaviyo deprecates a revision after a year: install a newer segment-export."
MEND_SEGMENTS = "Check SEGMENTS_URL; let our identity read that container (Storage Blob Data Reader)."
MEND_STATE = "Check STATE_URL; let our identity write that container (Storage Blob Data Contributor)."
MEND_VAULT = "Check KEY_VAULT_URL; let our identity read secrets (Key Vault Secrets User); store the secret."
MEND_LATER = "Look again later; if it lasts, at the network and at firewalls."


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at and found; `mend` says what to do, and is blank where nothing is wrong."""

    name: str
    message: str
    mend: str = ""


def examine(services: Services) -> Iterator[Finding]:
    """Looks at everything that an export stands on. It writes a probe into the state, and nothing else."""
    yield _versions(services)
    if services.settings.exports_paused:
        yield Finding("settings", "EXPORTS_PAUSED is true: nothing is sent.", "Set it to false.")
    yield _look("segments", lambda: _segments(services), MEND_SEGMENTS)
    state = _look("state", lambda: _state(services), MEND_STATE)
    yield state
    if not state.mend:
        yield _clock(services)
        yield from _documents(services)


def _look(name: str, look: Callable[[], str], mend: str) -> Finding:
    try:
        return Finding(name, look())
    except ExportError as error:
        message = f"{error.message} ({error.code})"
        return Finding(name, message, MEND_LATER if isinstance(error, TryLater) else mend)


def _versions(services: Services) -> Finding:
    ours, python = version("segment-export"), platform.python_version()
    message = f"segment-export {ours}, Python {python}, Klaviyo's revision {REVISION}"
    is_old = services.clock.now().date() - date.fromisoformat(REVISION) > STABLE
    return Finding("versions", message, MEND_REVISION if is_old else "")


def _segments(services: Services) -> str:
    names = services.segments.names()
    if not names:
        raise NotFound("There is no segment under SEGMENTS_URL.")
    return f"{len(names)} can be seen: {', '.join(names)}"


def _state(services: Services) -> str:
    state = services.state
    state.write(PROBE, b"")
    lease = state.acquire(PROBE)
    lease.renew()
    state.read(PROBE)
    lease.release()
    state.delete(PROBE)
    return "written, held, read and deleted"


def _clock(services: Services) -> Finding:
    skew = abs(services.clock.now() - services.state.now())
    mend = "Set this machine's clock by a time server." if skew > MOST_SKEW else ""
    return Finding("clock", f"{skew.total_seconds():.0f} s from the store's", mend)


def _documents(services: Services) -> Iterator[Finding]:
    """Connections with secret, account and scopes; exports with list, columns and schedule."""
    deadline = Deadline(services.clock, ONLINE)
    for checked in validate(services, stored_documents(services), deadline):
        if isinstance(checked.document, Connection):
            yield _secret(services, checked.document)
        problems = "; ".join(f"{problem.pointer or '/'}: {problem.message}" for problem in checked.problems)
        if problems:
            yield Finding(checked.name, problems, MEND_DOCUMENT)
        elif isinstance(checked.document, Connection):
            yield _connection(services, checked.name, checked.document, deadline)
        else:
            yield Finding(checked.name, "its connection, list, segments and columns are there")
        if isinstance(checked.document, Export):
            yield _schedule(services, checked.document)


def _secret(services: Services, connection: Connection) -> Finding:
    def look() -> str:
        services.vault.secret(connection.secret_name)
        return "can be read"

    return _look(f"secret {connection.secret_name}", look, MEND_VAULT)


def _connection(services: Services, name: str, connection: Connection, deadline: Deadline) -> Finding:
    """Whether the key may read what a run reads; what it may write, only a post could tell."""

    def look() -> str:
        klaviyo = open_account(services, connection, deadline)
        next(klaviyo.jobs(deadline), None)
        account = klaviyo.account
        return f"opens the account {account.id} ({account.name}), and may read lists, profiles and jobs"

    found = _look(name, look, MEND_KEY)
    if connection.paused and not found.mend:
        return Finding(name, "is paused: nothing is sent over it", "Set `paused` to false in its document.")
    return found


def _schedule(services: Services, export: Export) -> Finding:
    name = f"schedule of {export.id}"
    try:
        head, _ = read_head(services.state, export.id)
    except NotFound:
        return Finding(name, f"{_when(services, export)}; no run yet")
    except ExportError as error:
        return Finding(name, f"{error.message} ({error.code})", MEND_DOCUMENT)
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
