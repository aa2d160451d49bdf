"""Bulk imports: posting them, their progress and their results."""

from collections.abc import Iterator
from typing import Any

from sandbox.klaviyo import resources
from sandbox.klaviyo.call import Call
from sandbox.klaviyo.queries import in_order, read_fields, read_filter, read_page, read_sort

FIELDS = "fields[profile-bulk-import-job]"
# The client of revision 2026-10-15 names these three: a filter can't request cancelled jobs.
FILTERED_STATUSES = ("queued", "processing", "complete")


def import_profiles(call: Call) -> dict[str, Any]:
    fields = read_fields(call.query, FIELDS, resources.JOB_FIELDS)
    job = call.stand_in.accept_import(call.account, call.body)
    # However fast a job is, the response that accepts it shows it queued.
    return {"data": resources.job_resource(job, float("-inf"), call.base, fields)}


def list_jobs(call: Call) -> dict[str, Any]:
    fields = read_fields(call.query, FIELDS, resources.JOB_FIELDS)
    wanted = read_filter(call.query, "status", values=FILTERED_STATUSES)
    jobs = (
        job
        for job in call.account.jobs.values()
        if call.now < job.expires and (wanted is None or job.status(call.now) in wanted.values)
    )
    start = in_order(jobs, descending=read_sort(call.query, "created_at"))
    page, cursor = read_page(start, call.query)
    return call.page([resources.job_resource(job, call.now, call.base, fields) for job in page], cursor)


def read_job(call: Call) -> dict[str, Any]:
    fields = read_fields(call.query, FIELDS, resources.JOB_FIELDS)
    return {"data": resources.job_resource(call.find_job(), call.now, call.base, fields)}


def list_import_errors(call: Call) -> dict[str, Any]:
    fields = read_fields(call.query, "fields[import-error]", resources.ERROR_FIELDS)
    job = call.find_job()
    failed = job.failed if job.status(call.now) == "complete" else []
    page, cursor = read_page(in_order(failed), call.query)
    return call.page([resources.import_error_resource(row, job, fields) for row in page], cursor)


def list_imported(call: Call) -> dict[str, Any]:
    """Omits profiles that were merged or deleted since: Klaviyo's behavior for them is unconfirmed."""
    imported = call.find_job().imported
    profiles = call.account.profiles

    def start(after: int | None) -> Iterator[tuple[int, int]]:
        first = 0 if after is None else after + 1
        return ((i, imported[i]) for i in range(first, len(imported)) if imported[i] in profiles)

    page, cursor = read_page(start, call.query)
    return call.page([resources.profile_identifier(profiles[number]) for number in page], cursor)
