"""Hands what there is to do to the workers: a message for each account, where none is on its way."""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from shared.adapters import telemetry
from shared.adapters.queue import Queue
from shared.adapters.telemetry import log_bug
from shared.errors import ExportError
from shared.runs.queue.asking import ask, ask_again
from shared.runs.queue.marker import read_markers
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
    markers = {marker.account: marker for marker in read_markers(services.state, now)}
    for account, marker in markers.items():
        telemetry.account_wait.record(marker.waited(now).total_seconds(), {"account": account})
    wanted: dict[str, dict[str, datetime]] = {}
    for each in work:
        due, known = max(each.not_before, now), markers.get(each.account)
        if each.run and (each.request or not known or not known.covers(each.export, each.run, due)):
            wanted.setdefault(each.account, {})[each.export] = due
    silent = [account for account, marker in markers.items() if marker.is_silent(now)]
    _for_each(wanted, lambda account: ask(services, queue, account, wanted[account]))
    _for_each(silent, lambda account: ask_again(services, queue, account))
    return len(wanted)


def report_poison(queue: Queue) -> None:
    """Messages that have failed for good."""
    try:
        telemetry.poisoned.record(queue.poisoned())
    except ExportError as error:
        logger.warning("the queue: %s: %s", error.code, error.message)


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
