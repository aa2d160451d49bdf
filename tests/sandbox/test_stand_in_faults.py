"""Faults of the stand-in Klaviyo, from a client's view."""

from collections.abc import Iterator

import httpx
import pytest

from sandbox.klaviyo import Fault, StandIn
from tests.support.klaviyo import JOBS, import_body, klaviyo_client, people

BODY = import_body(*people(1))


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn(limits=False)


@pytest.fixture
def client(stand_in: StandIn) -> Iterator[httpx.Client]:
    with klaviyo_client(stand_in) as client:
        yield client


def jobs(stand_in: StandIn) -> int:
    return len(stand_in.accounts["SNDBOX"].jobs)


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "retry_after"),
    [
        (Fault("error", status=429, retry_after=3723), 429, "application/vnd.api+json", "3723"),
        (Fault("error", status=429, retry_after=1, bare=True), 429, None, "1"),
        (Fault("error", status=429), 429, "application/vnd.api+json", None),
        (Fault("error", status=429, retry_after="soon"), 429, "application/vnd.api+json", "soon"),
        (Fault("error", status=503), 503, "application/vnd.api+json", None),
        (Fault("html", status=403), 403, "text/html; charset=utf-8", None),
        (Fault("html", status=502), 502, "text/html; charset=utf-8", None),
        (Fault("redirect"), 302, None, None),
        (Fault("garbage"), 200, "application/vnd.api+json", None),
        (Fault("empty_id"), 202, "application/vnd.api+json", None),
    ],
    ids=str,
)
def test_a_scripted_answer_changes_nothing(
    stand_in: StandIn,
    client: httpx.Client,
    fault: Fault,
    status: int,
    content_type: str | None,
    retry_after: str | None,
) -> None:
    """The next request gets the answer and is not carried out; the one after it is."""
    stand_in.faults.add([fault])
    response = client.post(JOBS, json=BODY)
    assert response.status_code == status
    assert response.headers.get("Content-Type") == content_type
    assert response.headers.get("Retry-After") == retry_after
    assert jobs(stand_in) == 0
    assert client.post(JOBS, json=BODY).status_code == 202


def test_scripted_bodies(stand_in: StandIn, client: httpx.Client) -> None:
    """A 429's code is throttled, a page of HTML has no JSON, garbage breaks off, and an empty id is empty."""
    stand_in.faults.add(
        [
            Fault("error", status=429, nth=1),
            Fault("html", nth=2),
            Fault("garbage", nth=3),
            Fault("empty_id", nth=4),
        ]
    )
    throttled, html, garbage, empty = (client.post(JOBS, json=BODY) for _ in range(4))
    assert throttled.json()["errors"][0]["code"] == "throttled"
    assert html.text.startswith("<html>")
    with pytest.raises(ValueError, match="Expecting value"):
        garbage.json()
    assert empty.json()["data"]["id"] == ""


def test_a_redirect_points_where_the_script_says(stand_in: StandIn, client: httpx.Client) -> None:
    """A client that followed it would show up there, with its key."""
    stand_in.faults.add([Fault("redirect", location="http://127.0.0.1:9/stolen")])
    assert client.get(JOBS).headers["Location"] == "http://127.0.0.1:9/stolen"


@pytest.mark.parametrize(("kind", "accepted"), [("cut", 0), ("cut_after", 1)])
@pytest.mark.parametrize("count", [1, 10_000], ids=["small", "large"])
def test_a_cut_connection(
    stand_in: StandIn, client: httpx.Client, kind: str, accepted: int, count: int
) -> None:
    """The client sees a broken connection, and can't tell whether the job exists."""
    stand_in.faults.add([Fault(kind)])  # type: ignore[arg-type]
    with pytest.raises(httpx.TransportError) as caught:
        client.post(JOBS, json=import_body(*people(count)))
    assert not isinstance(caught.value, httpx.TimeoutException | httpx.ConnectError)
    assert jobs(stand_in) == accepted
    assert [request.status for request in stand_in.requests] == [0]
    assert client.post(JOBS, json=BODY).status_code == 202


def test_a_request_that_hangs_is_never_answered(stand_in: StandIn, client: httpx.Client) -> None:
    """Only the client's own patience ends it, and nothing is carried out."""
    stand_in.faults.add([Fault("hang")])
    with pytest.raises(httpx.ReadTimeout):
        client.post(JOBS, json=BODY, timeout=0.2)
    assert jobs(stand_in) == 0


def test_a_slow_answer_is_late_and_right(stand_in: StandIn, client: httpx.Client) -> None:
    """The request is carried out after the wait: too late for an impatient client, in time for another."""
    stand_in.faults.add([Fault("slow", seconds=0.3, nth=1), Fault("slow", seconds=0.3, nth=2)])
    with pytest.raises(httpx.ReadTimeout):
        client.get(JOBS, timeout=0.1)
    assert client.post(JOBS, json=BODY).status_code == 202
    assert jobs(stand_in) == 1


def test_a_fault_counts_the_requests_that_match_it(stand_in: StandIn, client: httpx.Client) -> None:
    """Method and path select requests, and only the n-th one is struck; a trailing slash is ignored."""
    stand_in.faults.add([Fault("error", method="GET", path=f"{JOBS}/?", nth=2)])
    statuses = [
        client.request(method, path).status_code
        for method, path in [
            ("GET", f"{JOBS}/a"),
            ("GET", JOBS),
            ("POST", f"{JOBS}/a"),
            ("GET", f"{JOBS}/b/"),
            ("GET", f"{JOBS}/c"),
        ]
    ]
    assert statuses == [404, 200, 404, 503, 404]


def test_a_fault_for_each_request_stays_until_it_is_cleared(stand_in: StandIn, client: httpx.Client) -> None:
    """`nth=None` strikes every time; if two rules match, the first one in the script strikes."""
    stand_in.faults.add([Fault("error", status=500, nth=2), Fault("html", status=403, nth=None)])
    assert [client.get(JOBS).status_code for _ in range(3)] == [403, 500, 403]
    stand_in.faults.clear()
    assert client.get(JOBS).status_code == 200
