"""The stand-in Klaviyo's import jobs: their progress, failures, ends and reads."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.klaviyo import ImportFailure, JobPlan, StandIn
from tests.support.klaviyo import JOBS, LIST, Clock, import_body, klaviyo_client, people

DAY = 86_400


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stand_in(clock: Clock) -> StandIn:
    return StandIn(clock=clock, limits=False)


@pytest.fixture
def client(stand_in: StandIn) -> Iterator[httpx.Client]:
    with klaviyo_client(stand_in) as client:
        yield client


def post(client: httpx.Client, *profiles: dict[str, Any]) -> str:
    """Posts a job and returns its id."""
    response = client.post(JOBS, json=import_body(*(profiles or people(1))))
    assert response.status_code == 202
    return str(response.json()["data"]["id"])


def attributes(client: httpx.Client, job: str) -> Any:
    return client.get(f"{JOBS}/{job}").json()["data"]["attributes"]


def test_a_job_is_accepted_as_queued(client: httpx.Client) -> None:
    """The 202 shows a queued job with counts, an opaque id, 7 days to live, and links that end in a slash."""
    data = client.post(JOBS, json=import_body(*people(3))).json()["data"]
    assert len(data["id"]) == 58
    assert data["attributes"] == {
        "status": "queued",
        "created_at": "2024-10-04T00:00:00+00:00",
        "total_count": 3,
        "completed_count": 0,
        "failed_count": 0,
        "completed_at": None,
        "expires_at": "2024-10-11T00:00:00+00:00",
        "started_at": None,
    }
    assert data["relationships"]["lists"]["data"] == [{"type": "list", "id": LIST}]
    assert data["links"]["self"] == str(client.base_url.join(f"{JOBS}/{data['id']}/"))


def test_a_job_goes_on_with_the_clock(stand_in: StandIn, client: httpx.Client, clock: Clock) -> None:
    """Queued, processing, complete; members appear at the end."""
    stand_in.job_seconds = 10
    job = post(client)
    seen = []
    for _ in range(3):
        status = attributes(client, job)
        seen.append((status["status"], status["completed_count"], len(stand_in.members(LIST))))
        clock.now += 5
    assert seen == [("queued", 0, 0), ("processing", 0, 0), ("complete", 1, 1)]


def test_jobs_end_in_the_order_of_their_time(stand_in: StandIn, client: httpx.Client, clock: Clock) -> None:
    """A job that was posted later but ended sooner comes first, even if no one looked in between."""
    stand_in.plans.extend([JobPlan(seconds=20), JobPlan(seconds=10)])
    for name in ("slow", "fast"):
        post(client, {"email": f"{name}@example.org"})
    clock.now += 60
    members = client.get(f"/api/lists/{LIST}/profiles?fields[profile]=email,joined_group_at").json()["data"]
    assert [member["attributes"] for member in members] == [
        {"email": "fast@example.org", "joined_group_at": "2024-10-04T00:00:10+00:00"},
        {"email": "slow@example.org", "joined_group_at": "2024-10-04T00:00:20+00:00"},
    ]


def test_a_cancelled_job_imports_nothing(stand_in: StandIn, client: httpx.Client) -> None:
    """A plan holds for one job: the first ends as cancelled, the next one completes."""
    stand_in.plans.append(JobPlan(outcome="cancelled"))
    cancelled = attributes(client, post(client))
    assert (cancelled["status"], cancelled["completed_count"], cancelled["completed_at"]) == (
        "cancelled",
        0,
        None,
    )
    assert stand_in.members(LIST) == []
    assert attributes(client, post(client))["status"] == "complete"
    assert len(stand_in.members(LIST)) == 1


@pytest.mark.parametrize("plan", [JobPlan(), JobPlan(readable_for=60)], ids=["7 days", "scripted"])
def test_an_expired_job_is_not_found(
    stand_in: StandIn, client: httpx.Client, clock: Clock, plan: JobPlan
) -> None:
    """After its time a job, its errors and its place in the list are gone; its profiles stay."""
    stand_in.plans.append(plan)
    job = post(client)
    clock.now += plan.readable_for - 1
    assert client.get(f"{JOBS}/{job}").status_code == 200
    clock.now += 1
    for path in (f"{JOBS}/{job}", f"{JOBS}/{job}/import-errors", f"{JOBS}/{job}/relationships/profiles"):
        response = client.get(path)
        assert (response.status_code, response.json()["errors"][0]["code"]) == (404, "not_found")
    assert client.get(JOBS).json()["data"] == []
    assert len(stand_in.members(LIST)) == 1


def test_a_failure_shows_after_the_job(stand_in: StandIn, client: httpx.Client, clock: Clock) -> None:
    """Profiles chosen by script are left out, counted, and echoed whole in the job's import errors."""
    stand_in.job_seconds = 10
    stand_in.failures["person1@example.org"] = ImportFailure("invalid", "Invalid input.", "Refused later:")
    job = post(client, *people(3))
    errors = f"{JOBS}/{job}/import-errors"
    assert client.get(errors).json()["data"] == []
    clock.now += 10
    [error] = client.get(errors).json()["data"]
    profile = {"type": "profile", "attributes": {"email": "person1@example.org"}}
    assert error["type"] == "import-error"
    assert error["attributes"] == {
        "code": "invalid",
        "title": "Invalid input.",
        "detail": "Refused later: {'email': 'person1@example.org'}",
        "source": {"pointer": "/data/attributes/profiles/data/1/attributes/email"},
        "original_payload": profile,
    }
    status = attributes(client, job)
    assert (status["status"], status["completed_count"], status["failed_count"]) == ("complete", 2, 1)
    assert [member.email for member in stand_in.members(LIST)] == [
        "person0@example.org",
        "person2@example.org",
    ]


def test_import_errors_come_in_pages(stand_in: StandIn, client: httpx.Client) -> None:
    """20 by default, up to 100; links.next leads through all of them and is null at the end."""
    stand_in.failures = {person["email"]: ImportFailure() for person in people(250)}
    job = post(client, *people(250))
    assert len(client.get(f"{JOBS}/{job}/import-errors").json()["data"]) == 20
    pages, url = [], f"{JOBS}/{job}/import-errors?page[size]=100&fields[import-error]=code,source"
    while url:
        page = client.get(url).json()
        pages.append([error["attributes"]["source"]["pointer"].split("/")[5] for error in page["data"]])
        assert page["data"][0]["attributes"].keys() == {"code", "source"}
        url = page["links"]["next"]
    assert [len(page) for page in pages] == [100, 100, 50]
    assert [pointer for page in pages for pointer in page] == [str(index) for index in range(250)]


def test_100_jobs_in_one_call(client: httpx.Client, clock: Clock) -> None:
    """The newest first, with the fields asked for and no others."""
    jobs = []
    for _ in range(101):
        jobs.append(post(client))
        clock.now += 1
    fields = "fields[profile-bulk-import-job]=status,total_count"
    page = client.get(f"{JOBS}?page[size]=100&sort=-created_at&{fields}").json()
    assert [job["id"] for job in page["data"]] == jobs[:0:-1]
    assert page["data"][0]["attributes"] == {"status": "complete", "total_count": 1}
    rest = client.get(page["links"]["next"]).json()
    assert [job["id"] for job in rest["data"]] == jobs[:1]
    assert rest["links"]["next"] is None


def test_jobs_are_filtered_by_status(stand_in: StandIn, client: httpx.Client) -> None:
    """`equals` and `any` on status; the filter does not accept cancelled."""
    stand_in.plans.extend([JobPlan(), JobPlan(seconds=60), JobPlan(outcome="cancelled")])
    complete, queued, _ = post(client), post(client), post(client)
    for written, found in (
        ("equals(status,'queued')", [queued]),
        ('any(status,["queued","complete"])', [complete, queued]),
        ("equals(status,'processing')", []),
    ):
        data = client.get(JOBS, params={"filter": written}).json()["data"]
        assert [job["id"] for job in data] == found
    response = client.get(JOBS, params={"filter": "equals(status,'cancelled')"})
    assert (response.status_code, response.json()["errors"][0]["source"]) == (400, {"parameter": "filter"})


def test_a_job_tells_what_it_imported(stand_in: StandIn, client: httpx.Client) -> None:
    """The profiles relationship has the ids of the imported profiles, in pages."""
    job = post(client, *people(3))
    page = client.get(f"{JOBS}/{job}/relationships/profiles?page[size]=2").json()
    rest = client.get(page["links"]["next"]).json()
    ids = [profile["id"] for profile in page["data"] + rest["data"]]
    assert ids == [member.id for member in stand_in.members(LIST)]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("page[size]=0", "page[size]"),
        ("page[size]=101", "page[size]"),
        ("page[size]=many", "page[size]"),
        ("page[cursor]=broken", "page[cursor]"),
        ("sort=status", "sort"),
        ("fields[profile-bulk-import-job]=secrets", "fields[profile-bulk-import-job]"),
        ("filter=status", "filter"),
        ("filter=any(status,'queued')", "filter"),
        ("filter=equals(total_count,'1')", "filter"),
        ("filter=equals(status,queued)", "filter"),
    ],
)
def test_a_bad_parameter_is_named(client: httpx.Client, query: str, parameter: str) -> None:
    """A 400 whose source is the parameter."""
    response = client.get(f"{JOBS}?{query}")
    assert response.status_code == 400
    assert response.json()["errors"][0]["source"] == {"parameter": parameter}
