"""Signals from outside of an open run: it is canceled or paused, or a newer snapshot exists."""

import logging
from collections.abc import Collection, Mapping

from shared import state
from shared.errors import ExportError
from shared.runs.due import is_newer_due, is_superseded
from shared.runs.holder import Holder
from shared.runs.run import OpenRun
from shared.runs.states import Signals, State
from shared.runs.steps.permit import is_cancel_requested, pause_of
from shared.services import Services

logger = logging.getLogger(__name__)


def read_signals(holder: Holder, *, on_demand: bool) -> Signals:
    """Reads the signals that can affect the run. On demand, a caller waits for the newest snapshot."""
    run = holder.run
    if run.state is State.CLOSING:
        return Signals(newer_due=on_demand and _may_end(holder, on_demand))
    if run.state is State.CONFIRMING:
        newer_due = _may_end(holder, on_demand) and (on_demand or _is_newer_due(holder))
        return Signals(newer_due=newer_due)
    has_newer = _may_end(holder, on_demand)
    return Signals(
        canceled=is_cancel_requested(holder.services.state, run.record.id),
        superseded=has_newer,
        newer_due=has_newer and on_demand,  # once the run is cut short
        paused=_is_paused(holder),
    )


def is_outdated(services: Services, run: OpenRun) -> bool:
    """Whether one of the run's segments has a newer snapshot than the run has pinned."""
    return run.plan is not None and _has_newer(services, run.plan.versions())


def _may_end(holder: Holder, on_demand: bool) -> bool:
    """Whether a newer snapshot exists and may end the run."""
    if on_demand:
        return is_outdated(holder.services, holder.run)
    return _has_newer(holder.services, holder.lock.head.pinned())


def _has_newer(services: Services, pinned: Mapping[str, str]) -> bool:
    return is_superseded(pinned, _newest(services, pinned))


def _newest(services: Services, segments: Collection[str]) -> dict[str, str]:
    """If the segments can't be read now, none counts as newer."""
    try:
        return services.segments.versions(segments) if segments else {}
    except ExportError as problem:
        logger.warning("segments: %s: %s", problem.code, problem.message)
        return {}


def _is_newer_due(holder: Holder) -> bool:
    """Whether the timer waits for the end of the run; False if that is unknown."""
    services, head = holder.services, holder.lock.head
    try:
        export = services.catalog.export(head.export)
        changed_at = services.state.stat(state.export(export.id)).last_modified
    except ExportError:
        return False
    return is_newer_due(export, head.entry(), holder.now(), changed_at)


def _is_paused(holder: Holder) -> bool:
    """Whether the pause that the run waits for still holds."""
    run = holder.run
    if run.plan is None or not run.is_paused:
        return False
    try:
        return pause_of(holder.services, run.plan.export.connection) is not None
    except ExportError:
        return False  # the next step will raise it, too
