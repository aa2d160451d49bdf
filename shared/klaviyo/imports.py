"""Import jobs: posting and following them, and the errors of their profiles."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from shared.adapters.clock import Deadline
from shared.errors import KlaviyoUnavailable
from shared.klaviyo.answers import Answer, profile_error, unexpected
from shared.klaviyo.body import ImportBody
from shared.klaviyo.calls import Permit
from shared.klaviyo.lists import Lists
from shared.klaviyo.pages import query_of
from shared.klaviyo.resources import Job, ProfileError, read_job, read_job_id, read_profile_id

JOBS = "/api/profile-bulk-import-jobs"
JOBS_A_PAGE = 100

_JOBS = query_of(
    {
        "page[size]": str(JOBS_A_PAGE),
        "sort": "-created_at",
        "fields[profile-bulk-import-job]": "status,total_count,completed_count,failed_count,created_at",
    }
)
# The rest of an error repeats personal data.
_ERRORS = query_of({"page[size]": "100", "fields[import-error]": "code,source"})
_PROFILES = query_of({"page[size]": "100"})


class Imports(Lists):
    """The import jobs of one account."""

    def import_profiles(self, body: ImportBody, deadline: Deadline, permit: Permit) -> str:
        """Posts one job and returns its id (POST /api/profile-bulk-import-jobs).

        `permit` is checked right before each attempt; if it raises, the call ends with nothing sent. Imports
        are upserts: a post whose answer was lost is sent again. Raises BatchRefused if Klaviyo refuses the
        whole job, because of some profiles or its size; NotFound with the code `unknown_list` if the list no
        longer exists.
        """
        with self._batch_for(body.list_id, deadline):
            return self._calls.post("import", JOBS, body, deadline, permit, read_job_id)

    def jobs(self, deadline: Deadline) -> Iterator[Job]:
        """The account's import jobs of the last days, newest first, 100 a call.

        Entries that are not valid jobs are left out.
        """
        return filter(None, self._calls.items("jobs", JOBS, _JOBS, deadline, _job_or_none))

    def job(self, job_id: str, deadline: Deadline) -> Job:
        """One import job. Raises NotFound if Klaviyo no longer has it."""

        def read(answer: Answer) -> Job:
            job = read_job(answer.data())
            if job.id != job_id:
                raise unexpected(answer.status)
            return job

        return self._calls.get("job", _path(job_id), deadline, read)

    def import_errors(self, job_id: str, deadline: Deadline) -> Iterator[ProfileError]:
        """The errors of an accepted job's profiles: every page, 100 errors a call; only code and place."""
        path = _path(job_id) + "/import-errors"
        return self._calls.items("import-errors", path, _ERRORS, deadline, _import_error)

    def job_profiles(self, job_id: str, deadline: Deadline) -> Iterator[str]:
        """The ids of the profiles that a job imported: every page, 100 a call.

        GET /api/profile-bulk-import-jobs/{id}/relationships/profiles. Raises NotFound if Klaviyo no longer
        has the job.
        """
        path = _path(job_id) + "/relationships/profiles"
        return self._calls.items("job-profiles", path, _PROFILES, deadline, read_profile_id)


def _path(job_id: str) -> str:
    return f"{JOBS}/{quote(job_id, safe='')}"


def _job_or_none(item: Any) -> Job | None:
    try:
        return read_job(item)
    except KlaviyoUnavailable:
        return None


def _import_error(item: Any) -> ProfileError:
    attributes = item.get("attributes") if isinstance(item, dict) else None
    return ProfileError(*profile_error(attributes if isinstance(attributes, dict) else {}))
