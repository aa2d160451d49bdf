"""The third step: the outcomes of the jobs that Klaviyo accepted. A 202 is not yet success."""

from contextlib import suppress
from datetime import datetime, timedelta

from shared import state
from shared.adapters.clock import Deadline
from shared.errors import NotFound, TryLater
from shared.klaviyo import Job, JobStatus, Klaviyo, ProfileError
from shared.profiles import Rejected
from shared.runs.deliveries import AcceptedJob
from shared.runs.holder import Holder
from shared.runs.steps.parts import NO_PLACE, Parts, RejectedLines
from shared.runs.steps.rejected import UNNAMED

# Klaviyo's clock and ours need not agree.
CLOCK_SKEW = timedelta(hours=1)


def confirm(holder: Holder) -> None:
    """Looks at the jobs once, and settles those that are done.

    One call shows 100 jobs; import errors are read only for jobs with failures, all pages of them.
    Raises TryLater if Klaviyo could not be asked about everything.
    """
    klaviyo = holder.klaviyo()
    waiting = {job.id: job for job in holder.run.deliveries.jobs if not job.is_settled}
    found, trouble = _look(waiting, klaviyo, holder.deadline)
    for job, seen in found:
        if seen is None:
            job.miss(holder.now())
        elif seen.status is JobStatus.CANCELED:
            _cancel(holder, job)
        elif seen.status is JobStatus.COMPLETE:
            if seen.failed and trouble is not None and not holder.deadline.left():
                continue  # no time left, and one job can't be read already
            try:
                _complete(holder, klaviyo, job, seen)
            except TryLater as problem:
                trouble = problem  # only for this job: the others are settled anyway
        else:
            job.work(seen.status)
    if trouble is not None:
        raise trouble


def _look(
    waiting: dict[str, AcceptedJob], klaviyo: Klaviyo, deadline: Deadline
) -> tuple[list[tuple[AcceptedJob, Job | None]], TryLater | None]:
    """Each open job with Klaviyo's view of it, or None if Klaviyo doesn't know it.

    Also the reason why some are missing, if Klaviyo could not be asked about all.
    """
    found: list[tuple[AcceptedJob, Job | None]] = []
    if not waiting:
        return found, None
    oldest = min(job.accepted_at for job in waiting.values()) - CLOCK_SKEW
    try:
        for seen in klaviyo.jobs(deadline):
            if seen.id in waiting:
                found.append((waiting.pop(seen.id), seen))
            if not waiting or is_before(seen.created_at, oldest):
                break
        for job in waiting.values():
            found.append((job, _job(klaviyo, job.id, deadline)))
    except TryLater as problem:
        return found, problem
    return found, None


def _job(klaviyo: Klaviyo, job_id: str, deadline: Deadline) -> Job | None:
    try:
        return klaviyo.job(job_id, deadline)
    except NotFound:
        return None


def is_before(text: str, time: datetime) -> bool:
    """Whether a time in Klaviyo's format is earlier; False if it is not a time."""
    try:
        return datetime.fromisoformat(text) < time
    except (ValueError, TypeError):
        return False


def _cancel(holder: Holder, job: AcceptedJob) -> None:
    parts = Parts(holder.lock)
    places = parts.read_places(job.digest, job.profiles)
    lines = RejectedLines(Rejected(partition, row, "", "job_cancelled", "job") for partition, row in places)
    parts.write_rejected(state.job_part(job.digest), lines)
    job.cancel()


def _complete(holder: Holder, klaviyo: Klaviyo, job: AcceptedJob, seen: Job) -> None:
    failed = 0
    if seen.failed:
        parts = Parts(holder.lock)
        places = parts.read_places(job.digest, job.profiles)
        errors: dict[int, ProfileError] = {}
        with suppress(NotFound):  # then Klaviyo no longer has the errors
            for error in klaviyo.import_errors(job.id, holder.deadline):
                if error.index is not None and error.index < job.profiles:
                    errors.setdefault(error.index, error)
        failed = min(job.profiles, max(seen.failed, len(errors)))
        lines = RejectedLines(
            Rejected(*places[index], holder.plan.column_of(error.attribute), error.reason, "job")
            for index, error in sorted(errors.items())
        )
        for _ in range(failed - len(errors)):
            lines.add(Rejected(*NO_PLACE, "", UNNAMED, "job"))
        parts.write_rejected(state.job_part(job.digest), lines)
        if len(errors) == failed:
            parts.write_failed(job.digest, errors)
    job.complete(seen.completed, failed)
