"""Hands the pending work to the workers: a message for each account, unless one is on its way."""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from shared.adapters import telemetry
from shared.adapters.clock import Deadline
from shared.adapters.queue import Queue
from shared.adapters.telemetry import log_bug
from shared.errors import ExportError
from shared.runs.queue.asking import ask, ask_again
from shared.runs.queue.marker import read_markers
from shared.runs.work.find import Work, find_work, open_due
from shared.services import Services
from shared.text import shown

logger = logging.getLogger(__name__)

ASKED_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class HandedOut:
    """The work that was found; of it, the open runs; of these, the ones that a worker was asked for."""

    found: list[Work]
    opened: list[Work]
    asked: list[Work]


def find_and_hand_out(services: Services, queue: Queue, whole: Deadline) -> HandedOut:
    """Opens a run of every export that is due, and asks for a worker for each account with open runs.

    Asks again if a message may be lost, or a worker dead. Work that is not reached in time is left to the
    next look.
    """
    found = find_work(services)
    opened = open_due(services, found, whole)
    now = services.clock.now()
    markers = {marker.account: marker for marker in read_markers(services.state, now)}
    for account, marker in markers.items():
        telemetry.account_wait.record(marker.waited(now).total_seconds(), {"account": account})
    wanted: dict[str, dict[str, datetime]] = {}
    for each in opened:
        due, known = max(each.not_before, now), markers.get(each.account)
        if each.run and (each.request or not known or not known.covers(each.export, each.run, due)):
            wanted.setdefault(each.account, {})[each.export] = due
    silent = [account for account, marker in markers.items() if marker.is_silent(now)]
    asked = _for_each(wanted, lambda account: ask(services, queue, account, wanted[account]), whole)
    _for_each(silent, lambda account: ask_again(services, queue, account), whole)
    runs = [each for each in opened if each.account in asked and each.export in wanted[each.account]]
    return HandedOut(found, opened, runs)


def report_poison(queue: Queue) -> None:
    """Reports the number of messages that have failed for good."""
    try:
        telemetry.poisoned.record(queue.poisoned())
    except ExportError as error:
        logger.warning("the queue: %s: %s", error.code, error.message)


def _for_each(accounts: Iterable[str], do: Callable[[str], None], whole: Deadline) -> set[str]:
    """Calls `do` concurrently, while time is left; returns the accounts done. Errors don't stop others."""

    def alone(account: str) -> str | None:
        try:
            if whole.left() > 0:
                do(account)
                return account
        except ExportError as error:
            logger.warning("account %s: %s: %s", shown(account), error.code, error.message)
        except Exception as error:
            log_bug(logger, error, {"account": account})
        return None

    with ThreadPoolExecutor(ASKED_AT_ONCE, thread_name_prefix="ask") as pool:
        return set(filter(None, pool.map(alone, accounts)))
