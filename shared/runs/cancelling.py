"""How a run is cancelled: by a blob beside it, which whoever holds the run sees before its next post."""

from shared.adapters.clock import Deadline
from shared.errors import AlreadyRunning
from shared.runs.advance import take_up_again
from shared.runs.history import read_run
from shared.runs.parts import cancel_name, request_cancel
from shared.runs.record import RunRecord
from shared.runs.services import Services


def cancel(services: Services, record: RunRecord, deadline: Deadline) -> RunRecord:
    """Asks for the run's end and, where nobody holds it, brings it about; returns its record.

    Jobs that Klaviyo has accepted are still confirmed and counted, so it may stay open for a while.
    """
    request_cancel(services.state, record.id)
    try:
        record = take_up_again(services, record.export, record.id, deadline).record
    except AlreadyRunning:
        record = read_run(services.state, record.id)
    if record.is_closed:  # maybe by somebody else, who did not see it any more
        services.state.delete(cancel_name(record.id))
    return record
