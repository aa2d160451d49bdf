"""The app's health, for any caller."""

import logging
import threading
from datetime import datetime
from functools import cache

from export_trigger.shown import Health
from shared import state
from shared.adapters.patience import Patience
from shared.adapters.storage.writable import check_writable
from shared.api import Call, Reply, problem_reply, reply
from shared.errors import ExportError, StorageUnavailable
from shared.runs.work.tick import last_tick
from shared.services import Services, process_services

# Seconds until an examination is abandoned; storage itself waits longer.
PATIENCE = 5.0
# Seconds for which a good and a bad result are kept, so that a recovery shows soon.
WELL_FOR, UNWELL_FOR = 60.0, 10.0

logger = logging.getLogger(__name__)


def show_health(_: Call) -> Reply:
    """Checks that the app can work: its settings are valid, and its state can be read and written."""
    try:
        services = process_services()
    except ExportError as error:
        return _unwell(error)
    return _examiner(services).reply()


class Examiner:
    """Examines the state, and keeps the result for a while. Thread-safe.

    The route needs no key, so a call must not cause a write each time. Concurrent callers share one.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._patience = Patience(PATIENCE, 1, _late)
        self._examining = threading.Lock()
        self._reply: Reply | None = None
        self._holds_until = 0.0

    def reply(self) -> Reply:
        """The last examination's reply, or a new one if that is too old."""
        clock = self._services.clock
        with self._examining:
            if self._reply is None or clock.monotonic() >= self._holds_until:
                self._reply = self._examine()
                holds = WELL_FOR if self._reply.status == 200 else UNWELL_FOR
                self._holds_until = clock.monotonic() + holds
            return self._reply

    def _examine(self) -> Reply:
        try:
            ticked = self._patience.wait_for(self._use_state)
        except ExportError as error:
            return _unwell(error)
        health: Health = {"status": "ok", "last_tick": ticked}
        return reply(200, health)

    def _use_state(self) -> datetime | None:
        next(self._services.state.list(state.CONNECTIONS), None)
        check_writable(self._services.state, state.probe("health"))
        return last_tick(self._services)


_examiner = cache(Examiner)


def _late() -> StorageUnavailable:
    return StorageUnavailable(f"The state did not respond within {PATIENCE:g} seconds.")


def _unwell(error: ExportError) -> Reply:
    logger.error("health: %s: %s", error.code, error.message)
    return problem_reply(503, error.code, "The app can't work at the moment. Its log has the reason.")
