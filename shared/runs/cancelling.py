"""How a run is cancelled: by a blob beside it, which whoever holds the run sees before its next post."""

from shared import state
from shared.adapters.clock import Deadline
from shared.errors import AlreadyRunning
from shared.runs.advance import resume
from shared.runs.history import read_run
from shared.runs.record import RunRecord
from shared.runs.steps.parts import request_cancel
from shared.services import Services


def cancel(services: Services, record: RunRecord, deadline: Deadline) -> RunRecord:
    """Asks for the run's end and, where nobody holds it, brings it about; returns its record.

    Jobs that Klaviyo has accepted are still confirmed and counted, so it may stay open for a while.
    """
    request_cancel(services.state, record.id)
    try:
        record = resume(services, record.export, record.id, deadline).record
    except AlreadyRunning:
        record = read_run(services.state, record.id)
    if record.is_closed:  # maybe by somebody else, who did not see it any more
        services.state.delete(state.cancel(record.id))
    return record
