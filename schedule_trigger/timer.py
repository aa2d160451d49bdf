"""The timer's trigger. Its work is in shared/runs/work/tick.py."""

import logging

import azure.functions as func

from shared.runs.work.tick import tick
from shared.services import process_services

logger = logging.getLogger(__name__)

blueprint = func.Blueprint()


@blueprint.function_name("advance_runs")
@blueprint.timer_trigger(
    arg_name="timer", schedule="%EXPORT_SCHEDULE%", run_on_startup=False, use_monitor=True
)
def advance_runs(timer: func.TimerRequest) -> None:
    """Advances open runs and starts due exports. A late or repeated tick does no harm."""
    services = process_services()
    records = tick(services, services.settings.timer_time_budget).records
    logger.info(
        "tick: %d runs advanced", len(records), extra={"past_due": timer.past_due, "runs": len(records)}
    )
