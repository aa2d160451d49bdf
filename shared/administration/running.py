"""Operations on runs: start one, start all, cancel; each with an entry in the audit."""

from collections.abc import Iterator
from contextlib import suppress

from shared.adapters.clock import Deadline
from shared.administration.audit import audited
from shared.administration.exports import check_export, sharing_of
from shared.administration.rights import Action, Person, check_role, may
from shared.catalog import Export
from shared.errors import AlreadyRunning, ExportError, NotFound, TryLater
from shared.runs.advance import cancel, run, start
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.runs.views.history import read_open_run
from shared.services import Services


def start_run(
    services: Services, by: Person, export: Export, request: Request, deadline: Deadline | None = None
) -> RunRecord:
    """Opens a run of an export that the person may run, or finds the open one, and leaves it to the timer or
    a worker; with a deadline, works on it until then.

    Raises NotFound and InvalidDocument; TakenElsewhere if another process holds it.
    """
    services.catalog.connection(export.connection)  # without a connection, no run is opened
    with audited(services, by, Action.START_RUN, f"exports/{export.id}"):
        if deadline is None:
            return start(services, export.id, request)
        return run(services, export.id, request, deadline)


def start_all(
    services: Services, by: Person, request: Request, deadline: Deadline
) -> Iterator[tuple[str, str | ExportError]]:
    """Opens a run of every export that has an active schedule and that the person may run, in the given time.

    Yields for each the id of its run, or its error, which does not stop the others. Raises Forbidden.
    """
    check_role(by, Action.START_RUN)
    for listed in services.catalog.exports():
        try:
            if not isinstance(listed.document, Export):
                raise listed.document
            sharing = sharing_of(services, listed.document)
            if listed.document.is_active and may(by, Action.START_RUN, sharing):
                if not deadline.left():
                    message = "Time ran out before this export's turn: send the same request again."
                    raise TryLater(message, code="out_of_time")
                yield listed.id, _opened(services, by, listed.document, request)
        except ExportError as error:
            yield listed.id, error


def _opened(services: Services, by: Person, export: Export, request: Request) -> str:
    """The id of the new run, or of the one that was open already."""
    try:
        return start_run(services, by, export, request).id
    except AlreadyRunning:
        running = read_open_run(services.state, export.id)
        if running is None:
            raise
        return running.record.id


def check_run(services: Services, by: Person, record: RunRecord) -> None:
    """Raises Forbidden if the person may not cancel runs of the export. If that no longer exists, the role is
    enough."""
    check_role(by, Action.CANCEL_RUN)
    with suppress(NotFound):
        check_export(services, by, Action.CANCEL_RUN, services.catalog.export(record.export))


def cancel_run(services: Services, by: Person, record: RunRecord, deadline: Deadline) -> RunRecord:
    """Requests the end of an open run, and ends it if no other process holds it."""
    with audited(services, by, Action.CANCEL_RUN, f"runs/{record.id}"):
        return cancel(services, record, deadline)
