"""Checks an installation: each part separately, so one problem does not hide another.

The check of the state writes a probe, `locks/probe-doctor`, and deletes it; it does not create a missing
state folder. A call to Klaviyo may refresh the tokens of its connection, or store a pause, as in a run.
"""

import platform
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from shared import state
from shared.adapters.clock import Deadline
from shared.adapters.queue import Queue
from shared.adapters.webhook import Webhook
from shared.administration.checkup import fixes
from shared.administration.checkup.documents import check_documents
from shared.administration.checkup.finding import Finding, check, failed, too_far_ahead
from shared.administration.checkup.timer import timer_finding
from shared.errors import ExportError, NotFound
from shared.klaviyo import StoredPauses
from shared.klaviyo.calls import REVISION, USER_AGENT
from shared.ledger import read_erased, read_key
from shared.runs.queue.marker import read_markers
from shared.runs.work.tick import last_tick
from shared.segments import Segments
from shared.services import Services
from shared.settings import auth_is_misspelt, folder_of

# With a larger difference, leases and tokens can't be trusted.
MOST_SKEW = timedelta(seconds=60)
# Klaviyo keeps a revision stable for a year; then it is deprecated for another.
STABLE = timedelta(days=365)
# The alert `waiting` uses the same time.
LONGEST_WAIT = timedelta(minutes=15)
PROBE = state.probe("doctor")
# Otherwise two threads of an app would find each other's probe.
_probing = threading.Lock()


def examine(services: Services, deadline: Deadline) -> Iterator[Finding]:
    """Checks everything that an export depends on; the deadline is for all requests to Klaviyo."""
    yield _versions(services)
    if services.settings.exports_paused:
        yield Finding("settings", "EXPORTS_PAUSED is true: nothing is sent.", fixes.ALL_PAUSED)
    if auth_is_misspelt():
        yield Finding(
            "settings", "AUTH is misspelled: callers need a function key.", fixes.AUTH, warning=True
        )
    if secret := services.settings.notify_secret:
        look = partial(_notifications, services, secret)
        yield check("notifications", look, fixes.notifications(services.settings))
    if services.queue is not None:
        yield _queue(services.queue)
    yield check("segments", lambda: _segments(services), fixes.SEGMENTS)
    found = _state(services)
    yield found
    if not found.fix:
        yield _clock(services)
        yield _timer(services)
        yield from _pauses(services)
        yield from _erased(services)
        if services.queue is not None:
            yield from _workers(services)
        yield from check_documents(services, deadline)


def _versions(services: Services) -> Finding:
    message = f"segment-export {_ours()}, Python {platform.python_version()}, Klaviyo's revision {REVISION}"
    is_old = services.clock.now().date() - date.fromisoformat(REVISION) > STABLE
    return Finding("versions", message, fixes.REVISION if is_old else "")


def _ours() -> str:
    """The installed version. A deployed app has only the files, so it shows the version sent to Klaviyo."""
    try:
        return version("segment-export")
    except PackageNotFoundError:
        return USER_AGENT.partition("/")[2]


def _notifications(services: Services, secret: str) -> str:
    Webhook.parse(secret, services.vault.secret(secret))
    return f"the secret {secret} has an address; nothing was sent to it"


def _queue(queue: Queue) -> Finding:
    """Checks that both queues answer, with a role on each, and reports their numbers of messages."""
    try:
        waiting, poisoned = queue.waiting(), queue.poisoned()
    except ExportError as error:
        return failed("queue", error, fixes.QUEUE)
    message = f"answers; {waiting:,} messages wait, {poisoned:,} have failed for good"
    return Finding("queue", message, fixes.POISON if poisoned else "", warning=bool(poisoned))


def _workers(services: Services) -> Iterator[Finding]:
    """Finds accounts whose work has been due for long without a worker."""
    now = services.clock.now()
    try:
        waits = {marker.account: marker.waited(now) for marker in read_markers(services.state, now)}
    except ExportError as error:
        yield failed("workers", error, fixes.STATE)
        return
    late = sorted(account for account, wait in waits.items() if wait > LONGEST_WAIT)
    if late:
        longest = max(waits.values()) // timedelta(minutes=1)
        accounts = f"{len(late)} accounts wait for a worker, up to {longest} minutes: {', '.join(late)}"
        yield Finding("workers", accounts, fixes.NO_WORKER, warning=True)
    else:
        yield Finding("workers", "no account waits for one")


def _segments(services: Services) -> str:
    names = Segments(services.segment_store, services.settings.segments_prefix).names()
    if not names:
        raise NotFound("There are no segments under SEGMENTS_URL.")
    return f"{len(names)} found: {', '.join(names)}"


def _state(services: Services) -> Finding:
    folder = folder_of(services.settings.state_url)
    if folder is not None and not folder.exists():
        # A probe would create the folder, and a mistyped path would look like a state.
        return Finding("state", f"The folder {folder} does not exist.", fixes.NO_FOLDER, warning=True)
    return check("state", lambda: _probe(services), fixes.STATE)


def _probe(services: Services) -> str:
    store = services.state
    with _probing:
        store.write(PROBE, b"")
        lease = store.acquire(PROBE)
        lease.renew()
        store.read(PROBE)
        lease.release()
        store.delete(PROBE)
    return "can be written, locked, read and deleted"


def _clock(services: Services) -> Finding:
    try:
        skew = abs(services.clock.now() - services.state.now())
    except ExportError as error:
        return failed("clock", error, fixes.STATE)
    fix = fixes.CLOCK if skew > MOST_SKEW else ""
    return Finding("clock", f"differs from the store's by {skew.total_seconds():.0f} s", fix)


def _timer(services: Services) -> Finding:
    """Checks that a timer runs on this state; for a folder, it runs only while somebody serves the app."""
    try:
        last = last_tick(services)
        age = None if last is None else services.state.now() - last
    except ExportError as error:
        return failed("timer", error, fixes.STATE)
    return timer_finding("timer", age, is_expected="://" in services.settings.state_url)


def _erased(services: Services) -> Iterator[Finding]:
    """Checks that the do-not-send list can be read: otherwise nothing is sent."""

    def look() -> str:
        erased = read_erased(services.state)
        if erased is None:
            return "nobody was erased"
        erased.check(read_key(services.vault))
        return f"{len(erased.people):,} are never sent again"

    yield check("erased people", look, fixes.vault(services.settings))


def _pauses(services: Services) -> Iterator[Finding]:
    """Finds stored pauses that are from a wrong clock."""
    try:
        for account, until in StoredPauses(services.state, services.clock).ahead():
            yield too_far_ahead(f"pause of the account {account}", [("the end of Klaviyo's pause", until)])
    except ExportError as error:
        yield failed("pauses", error, fixes.STATE)
