"""The third step: what Klaviyo made of the jobs that it accepted. A 202 is not yet success."""

from contextlib import suppress
from datetime import datetime, timedelta

from shared.adapters.clock import Deadline
from shared.errors import NotFound, TryLater
from shared.klaviyo import Job, JobStatus, Klaviyo, ProfileError
from shared.profiles import Rejected
from shared.runs.head import AcceptedJob, OpenRun
from shared.runs.lock.export import ExportLock
from shared.runs.plan import Plan
from shared.runs.steps.parts import Parts, RejectedLines

# Seconds between looks; then every five minutes. Klaviyo says that large imports can take hours.
LOOKS = (5, 10, 20, 40, 60)
LATER = 300
GIVE_UP_AFTER = timedelta(hours=24)
# A job that was just accepted may not be readable everywhere at once.
LOST_AFTER = timedelta(minutes=15)
# Klaviyo's clock and ours need not agree.
CLOCK_SKEW = timedelta(hours=1)


def confirm(hold: ExportLock, klaviyo: Klaviyo, plan: Plan, deadline: Deadline) -> bool:
    """Looks once; True when every job is settled, False where a later look is needed (`not_before`).

    One call shows 100 jobs; import errors are read for jobs with failures only, all pages of them.
    Raises TryLater where Klaviyo could not be asked for everything.
    """
    run = hold.run
    run.record.phase = "confirming"
    parts = Parts(hold)
    found, trouble = _look(run, klaviyo, deadline)
    for job, seen in found:
        if seen is None:
            if hold.clock.now() - job.accepted_at > LOST_AFTER:
                job.status, job.unconfirmed = "lost", job.profiles
        elif seen.status is JobStatus.CANCELED:
            _canceled(job, parts)
        elif seen.status is JobStatus.COMPLETE:
            if seen.failed and trouble is not None and not deadline.left():
                continue  # with no time left, one job that can't be asked for is enough
            try:
                _complete(job, seen, klaviyo, parts, plan, deadline)
            except TryLater as problem:
                trouble = problem  # of this job: the others are settled all the same
        else:
            job.status = seen.status
    if trouble is not None:
        raise trouble
    settled = all(job.is_settled for job in run.jobs)
    seconds = LOOKS[run.looks] if run.looks < len(LOOKS) else LATER
    run.looks += 1
    run.not_before = None if settled else hold.clock.now() + timedelta(seconds=seconds)
    return settled


def is_overdue(run: OpenRun, now: datetime) -> bool:
    """Whether Klaviyo had a day for the jobs, the last of them included."""
    last = max((job.accepted_at for job in run.jobs), default=now)
    return now - last > GIVE_UP_AFTER


def give_up(run: OpenRun) -> None:
    """Counts what is still open as unconfirmed."""
    for job in run.jobs:
        if not job.is_settled:
            job.unconfirmed = job.profiles
            job.status = "lost"


def _look(
    run: OpenRun, klaviyo: Klaviyo, deadline: Deadline
) -> tuple[list[tuple[AcceptedJob, Job | None]], TryLater | None]:
    """Each open job with what Klaviyo says of it, or None where Klaviyo doesn't know it.

    Also why others of them are missing, if Klaviyo could not be asked for all.
    """
    waiting = {job.id: job for job in run.jobs if not job.is_settled}
    found: list[tuple[AcceptedJob, Job | None]] = []
    if not waiting:
        return found, None
    oldest = min(job.accepted_at for job in waiting.values()) - CLOCK_SKEW
    try:
        for seen in klaviyo.jobs(deadline):
            if seen.id in waiting:
                found.append((waiting.pop(seen.id), seen))
            if not waiting or _is_before(seen.created_at, oldest):
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


def _is_before(text: str, time: datetime) -> bool:
    try:
        return datetime.fromisoformat(text) < time
    except (ValueError, TypeError):
        return False


def _canceled(job: AcceptedJob, parts: Parts) -> None:
    places = parts.read_places(job.digest) or [(-1, 0)] * job.profiles
    lines = RejectedLines(Rejected(partition, row, "", "job_cancelled", "job") for partition, row in places)
    parts.write_rejected(f"{job.digest}.job", lines)
    job.status, job.failed = JobStatus.CANCELED, job.profiles


def _complete(
    job: AcceptedJob, seen: Job, klaviyo: Klaviyo, parts: Parts, plan: Plan, deadline: Deadline
) -> None:
    if seen.failed:
        places = parts.read_places(job.digest)
        errors: dict[int, ProfileError] = {}
        with suppress(NotFound):  # then nobody can say who they are
            for error in klaviyo.import_errors(job.id, deadline):
                if error.index is not None and error.index < len(places):
                    errors.setdefault(error.index, error)
        job.failed = min(job.profiles, max(seen.failed, len(errors)))
        lines = RejectedLines(
            Rejected(*places[index], plan.column_of(error.attribute), error.reason, "job")
            for index, error in sorted(errors.items())
        )
        for _ in range(job.failed - len(errors)):
            lines.add(Rejected(-1, 0, "", "unknown", "job"))
        parts.write_rejected(f"{job.digest}.job", lines)
    unsaid = 0 if seen.completed is None else job.profiles - job.failed - seen.completed
    job.unconfirmed = max(0, unsaid)
    job.status = JobStatus.COMPLETE
