"""The queue's function. What it does is in shared/runs/work/worker.py."""

import azure.functions as func

from shared.runs.work.worker import work_on
from shared.services import process_services
from shared.settings import queue_of

# Seconds, of the functionTimeout in host.json: what a worker has begun by then still comes to its checkpoint.
WORKS_FOR = 480.0

blueprint = func.Blueprint()


@blueprint.function_name("do_work")
@blueprint.queue_trigger(arg_name="message", queue_name=queue_of() or "", connection="AzureWebJobsStorage")
def do_work(message: func.QueueMessage) -> None:
    """Goes on with the runs of an account; a late or doubled message does no harm."""
    services = process_services()
    if services.queue is not None:
        work_on(services, services.queue, message.get_body().decode(errors="replace"), WORKS_FOR)
