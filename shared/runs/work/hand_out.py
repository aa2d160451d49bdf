"""Hands what there is to do to the workers: a message for each account, where none is on its way."""

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from shared import state
from shared.adapters import telemetry
from shared.adapters.queue import Queue
from shared.adapters.telemetry import log_bug
from shared.errors import ExportError
from shared.runs.queue.asking import ask, ask_again
from shared.runs.queue.marker import SOON, MarkerEntry, read_marker_entry
from shared.runs.work.find import find_work, open_due
from shared.services import Services
from shared.text import shown

logger = logging.getLogger(__name__)

ASKED_AT_ONCE = 8


def find_and_hand_out(services: Services, queue: Queue) -> int:
    """Opens a run of every export that is due, and asks for a worker for each account with open runs.

    Asks again where a message may be lost, or a worker dead. Returns for how many accounts it asked.
    """
    work = open_due(services, find_work(services))
    now = services.clock.now()
    entries = dict(_entries(services, now))
    accounts: dict[str, dict[str, datetime]] = {}
    news: set[str] = set()
    for each in work:
        accounts.setdefault(each.account, {})[each.export] = max(each.not_before, now)
        if each.request is not None:
            news.add(each.account)
    wanted = [
        account
        for account, exports in accounts.items()
        if account in news or _comes_too_late(entries.get(account), min(exports.values()))
    ]
    silent = [account for account, entry in entries.items() if entry.is_silent(now)]
    _for_each(wanted, lambda account: ask(services, queue, account, accounts[account]))
    _for_each(silent, lambda account: ask_again(services, queue, account))
    return len(wanted)


def report_poison(queue: Queue) -> None:
    """Messages that have failed for good."""
    try:
        telemetry.poisoned.record(queue.poisoned())
    except ExportError as error:
        logger.warning("the queue: %s: %s", error.code, error.message)


def _entries(services: Services, now: datetime) -> Iterator[tuple[str, MarkerEntry]]:
    """The markers that can be read; how long an account has been waiting goes to the metrics."""
    for blob in services.state.list(state.WORK):
        entry = read_marker_entry(blob)
        if entry is not None and blob.name == state.work(entry.account):
            telemetry.account_wait.record(entry.waited(now).total_seconds(), {"account": entry.account})
            yield entry.account, entry


def _comes_too_late(entry: MarkerEntry | None, due: datetime) -> bool:
    """Whether an account has neither a worker nor a message that comes in time."""
    return entry is None or (entry.taken_at is None and due < entry.due - SOON)


def _for_each(accounts: Iterable[str], do: Callable[[str], None]) -> None:
    """Side by side; whatever is wrong with one stops no other."""

    def alone(account: str) -> None:
        try:
            do(account)
        except ExportError as error:
            logger.warning("account %s: %s: %s", shown(account), error.code, error.message)
        except Exception as error:
            log_bug(logger, error, {"account": account})

    with ThreadPoolExecutor(ASKED_AT_ONCE, thread_name_prefix="ask") as pool:
        list(pool.map(alone, accounts))
