"""Discards an export's state after its document was removed."""

from shared import state
from shared.adapters.clock import Deadline
from shared.errors import AlreadyRunning, NotFound
from shared.runs import advance
from shared.runs.lock.export import ExportLock
from shared.runs.steps.ledger import remove_ledgers
from shared.runs.views.history import read_open_run
from shared.services import Services

# Seconds for ending an open run, if that needs no waiting for Klaviyo.
END_WITHIN = 10.0


def discard_export(services: Services, export_id: str) -> bool:
    """Ends the open run of a removed export, and removes its ledgers and its head; the records stay.

    False if the run is still open, or another process holds it: then its close removes the ledgers, and the
    head stays.
    """
    run = read_open_run(services.state, export_id)
    if run is not None:
        advance.cancel(services, run.record, Deadline(services.clock, END_WITHIN))
    try:
        with ExportLock.acquire(services.state, export_id, services.clock) as lock:
            if lock.head.open is not None:
                return False
            lock.head.ledger = None
            lock.checkpoint()
            remove_ledgers(lock)
    except NotFound:
        return True
    except AlreadyRunning:
        return False
    services.state.delete(state.head(export_id))
    return True
