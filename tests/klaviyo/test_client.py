"""The client against a Klaviyo that has faults."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.klaviyo import SCOPES, Fault, ImportFailure, StandIn, app
from sandbox.serving import serving
from shared.adapters.clock import Deadline, SystemClock
from shared.errors import BatchRefused, Denied, ExportError, KlaviyoUnavailable, NotFound
from shared.klaviyo import ImportBody, Klaviyo, KlaviyoApi, Permit
from tests.support.klaviyo import JOBS
from tests.support.world import LIST, MadeClock

SECRET = "canary-51f0"  # in every address, and in no message


def body(*emails: str, list_id: str = LIST) -> ImportBody:
    payloads = [orjson.dumps({"type": "profile", "attributes": {"email": email}}) for email in emails]
    return ImportBody(payloads, list_id)


def emails(count: int) -> list[str]:
    return [f"{SECRET}-{number}@example.org" for number in range(count)]


def on_post(kind: str, **details: Any) -> Fault:
    """A fault that meets imports."""
    return Fault(**{"kind": kind, "method": "POST", "path": "/api/profile-bulk-import-jobs", **details})


permit = Permit()


def test_the_account_behind_a_key(klaviyo: Klaviyo) -> None:
    """Signing in tells whose key it is."""
    assert (klaviyo.account.id, klaviyo.account.name) == ("SNDBOX", "Sandbox")


def test_a_key_is_asked_for_once_in_a_process(api: KlaviyoApi, stand_in: StandIn, deadline: Deadline) -> None:
    """A key belongs to one account for good."""
    for _ in range(3):
        api.sign_in("pk_sandbox", deadline)

    assert [request.path for request in stand_in.requests].count("/api/accounts") == 1


def test_a_key_is_in_no_repr(klaviyo: Klaviyo) -> None:
    """What is shown of a client names the account only."""
    assert repr(klaviyo) == "Klaviyo(account='SNDBOX')"


def test_an_import_and_its_job(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """What is posted becomes members, and the job says so."""
    job_id = klaviyo.import_profiles(body(*emails(3)), deadline, permit)

    (listed,) = klaviyo.jobs(deadline)
    assert listed == klaviyo.job(job_id, deadline)
    assert (listed.id, listed.status, listed.total, listed.failed) == (job_id, "complete", 3, 0)
    assert [member.email for member in stand_in.members(LIST)] == emails(3)


def test_every_page_is_read(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """Jobs and import errors beyond the first hundred are seen, with one request for each hundred."""
    ids = [klaviyo.import_profiles(body(f"a{n}@example.org"), deadline, permit) for n in range(101)]
    assert [job.id for job in klaviyo.jobs(deadline)] == ids[::-1]

    stand_in.failures = dict.fromkeys(emails(205), ImportFailure())
    job_id = klaviyo.import_profiles(body(*emails(300)), deadline, permit)
    errors = list(klaviyo.import_errors(job_id, deadline))
    assert [error.index for error in errors] == list(range(205))
    assert {(error.attribute, error.reason) for error in errors} == {("email", "invalid")}
    pages = [request.path for request in stand_in.requests if request.method == "GET"][1:]
    assert pages == [JOBS] * 2 + [f"{JOBS}/{job_id}/import-errors"] * 3


def test_a_list_that_is_not_there(klaviyo: Klaviyo, deadline: Deadline) -> None:
    """An unknown list has a code of its own, and the message names the account that was asked."""
    assert klaviyo.read_list(LIST, deadline).name == "VIP"
    with pytest.raises(NotFound, match=r"'NoSuch'.*SNDBOX") as caught:
        klaviyo.read_list("NoSuch", deadline)
    assert caught.value.code == "unknown_list"


def test_a_job_that_is_not_there(klaviyo: Klaviyo, deadline: Deadline) -> None:
    """A job that Klaviyo forgot is told from one that has a problem."""
    with pytest.raises(NotFound):
        klaviyo.job("0" * 58, deadline)


def test_a_wrong_key(api: KlaviyoApi, deadline: Deadline) -> None:
    """401: the key is not shown, and what to do is."""
    with pytest.raises(Denied, match="vault") as caught:
        api.sign_in("pk_wrong_canary", deadline)
    assert caught.value.code == "invalid_key"
    assert "pk_wrong" not in str(caught.value)


@pytest.mark.parametrize(
    ("missing", "call"),
    [
        ("lists:read", lambda k, d: k.read_list(LIST, d)),
        ("profiles:write", lambda k, d: k.import_profiles(body("a@example.org"), d, permit)),
        ("lists:write", lambda k, d: k.import_profiles(body("a@example.org"), d, permit)),
        ("profiles:read", lambda k, d: list(k.jobs(d))),
    ],
)
def test_a_missing_scope_is_named(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline, missing: str, call: Callable[..., object]
) -> None:
    """403: which scope, so that somebody can add it."""
    account = stand_in.accounts["SNDBOX"]
    account.keys = {"pk_sandbox": SCOPES - {missing}}

    with pytest.raises(Denied, match=missing) as caught:
        call(klaviyo, deadline)
    assert caught.value.code == "missing_scope"


def test_a_key_that_may_not_read_its_account(api: KlaviyoApi, stand_in: StandIn, deadline: Deadline) -> None:
    """Without accounts:read nobody can tell whose key it is, so that nothing is sent with it."""
    stand_in.accounts["SNDBOX"].keys = {"pk_new": SCOPES - {"accounts:read"}}

    with pytest.raises(Denied, match="accounts:read") as caught:
        api.sign_in("pk_new", deadline)
    assert caught.value.code == "missing_scope"


@pytest.mark.parametrize(("named", "expected"), [(None, [1, 3, 5]), (2, [1, 3]), (1, [1]), (0, [])])
def test_a_refusal_names_profiles(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline, named: int | None, expected: list[int]
) -> None:
    """400: the places of the profiles that Klaviyo names, and nothing that it echoes."""
    stand_in.bad_rows_named = named
    people = emails(6)
    stand_in.refused_emails = {people[1], people[3], people[5]}

    with pytest.raises(BatchRefused) as caught:
        klaviyo.import_profiles(body(*people), deadline, permit)

    assert [profile.index for profile in caught.value.profiles] == expected
    assert all((p.attribute, p.reason) == ("email", "invalid") for p in caught.value.profiles)
    assert SECRET not in repr(caught.value.profiles) + str(caught.value)


@pytest.mark.parametrize("named", [None, 0])
def test_a_refusal_for_a_list_that_is_gone(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline, named: int | None
) -> None:
    """A 400 that names no profile may be about the list: then it is the list that does not exist."""
    stand_in.bad_rows_named = named
    stand_in.accounts["SNDBOX"].lists.pop(LIST)

    with pytest.raises(NotFound) as caught:
        klaviyo.import_profiles(body("a@example.org"), deadline, permit)

    assert caught.value.code == "unknown_list"


def test_a_post_after_the_deadline_is_waited_for(stand_in: StandIn) -> None:
    """A turn whose time went into reading rows gets one post through, however slow."""
    clock = SystemClock()
    with serving(app(stand_in)) as url:
        api = KlaviyoApi(url, clock, patience=(0.3, 600))
        klaviyo = api.sign_in("pk_sandbox", Deadline(clock, 60))
        stand_in.faults.add([on_post("slow", seconds=1)])

        assert klaviyo.import_profiles(body("a@example.org"), Deadline(clock, 0), permit)

        api.close()


@pytest.mark.parametrize(
    ("fault", "posts"),
    [
        (on_post("error", status=503), 2),
        (on_post("error", status=500), 2),
        (on_post("error", status=429, retry_after=7), 2),
        (on_post("error", status=429, bare=True), 2),
        (on_post("html", status=502), 2),
        (on_post("html", status=403), 2),
        (on_post("cut"), 2),
        (on_post("cut_after"), 2),
        (on_post("empty_id"), 2),
        (on_post("garbage"), 2),
        (on_post("redirect"), 2),
        (on_post("slow", seconds=0.05), 1),
    ],
)
def test_what_may_pass_is_tried_again(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline, fault: Fault, posts: int
) -> None:
    """After a fault the same import goes through, and only the faulty post was repeated."""
    stand_in.faults.add([fault])

    job_id = klaviyo.import_profiles(body(*emails(3)), deadline, permit)

    assert klaviyo.job(job_id, deadline).status == "complete"
    assert {member.email for member in stand_in.members(LIST)} == set(emails(3))
    assert [request.method for request in stand_in.requests].count("POST") == posts


def test_retry_after_is_obeyed(
    klaviyo: Klaviyo, stand_in: StandIn, clock: MadeClock, deadline: Deadline
) -> None:
    """The next post goes out when Klaviyo said, not before and hardly after."""
    stand_in.faults.add([on_post("error", status=429, retry_after=42)])

    klaviyo.import_profiles(body("a@example.org"), deadline, permit)

    first, second = (request.time for request in stand_in.requests if request.method == "POST")
    assert 42 <= second - first < 42.1


def test_a_wait_beyond_the_deadline_is_left_to_the_next(
    klaviyo: Klaviyo, stand_in: StandIn, clock: MadeClock
) -> None:
    """A daily quota is not slept through; the caller is told to ask again within an hour."""
    stand_in.faults.add([on_post("error", status=429, retry_after=3723)])
    before = clock.monotonic()

    with pytest.raises(KlaviyoUnavailable) as caught:
        klaviyo.import_profiles(body("a@example.org"), Deadline(clock, 60), permit)

    assert caught.value.code == "throttled"
    assert caught.value.retry_after == 3600
    assert clock.monotonic() - before < 5
    with pytest.raises(KlaviyoUnavailable):
        klaviyo.import_profiles(body("a@example.org"), Deadline(clock, 60), permit)
    assert [request.method for request in stand_in.requests].count("POST") == 1


def test_a_block_of_our_address_fails_in_the_end(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline
) -> None:
    """403 pages before Klaviyo are tried five times, then somebody has to look."""
    stand_in.faults.add([on_post("html", status=403, nth=None)])

    with pytest.raises(Denied) as caught:
        klaviyo.import_profiles(body("a@example.org"), deadline, permit)

    assert caught.value.code == "blocked"
    assert [request.method for request in stand_in.requests].count("POST") == 5


def test_a_redirect_gets_no_key(klaviyo: Klaviyo, stand_in: StandIn, clock: MadeClock) -> None:
    """Nothing follows a redirect, wherever it leads."""
    stand_in.faults.add([on_post("redirect", location="/api/accounts", nth=None)])

    with pytest.raises(KlaviyoUnavailable):
        klaviyo.import_profiles(body("a@example.org"), Deadline(clock, 5), permit)

    assert [request.path for request in stand_in.requests][1:].count("/api/accounts") == 0


def test_what_else_failed_is_no_block(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """Only a block that stays is given up: other mishaps before it don't count."""
    stand_in.faults.add([on_post("error", nth=nth, status=503) for nth in range(1, 5)])
    stand_in.faults.add([on_post("html", nth=nth, status=403) for nth in range(5, 9)])

    klaviyo.import_profiles(body("a@example.org"), deadline, permit)

    assert [request.method for request in stand_in.requests].count("POST") == 9


@pytest.mark.parametrize("link", ["http://[bad", "https://example.org/api/next", "http://127.0.0.1:1/api"])
def test_a_link_that_leads_elsewhere_is_not_followed(clock: MadeClock, link: str) -> None:
    """The key goes to Klaviyo's own origin only, and a link that is none is no answer."""
    seen = []

    async def answer(request: Request) -> JSONResponse:
        seen.append(request.url.path)
        account = {"id": "A", "attributes": {"contact_information": {"organization_name": "Made"}}}
        return JSONResponse({"data": [account], "links": {"next": link}})

    with serving(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        api = KlaviyoApi(url, clock)
        klaviyo = api.sign_in("pk_made", Deadline(clock, 60))
        with pytest.raises(KlaviyoUnavailable, match="not as its API does"):
            list(klaviyo.import_errors("J1", Deadline(clock, 60)))
        api.close()

    assert seen == ["/api/accounts", "/api/profile-bulk-import-jobs/J1/import-errors"]


def test_a_hanging_read_is_not_waited_for_beyond_the_time_that_is_left(stand_in: StandIn) -> None:
    """A caller with little time hears soon, if not at once, that Klaviyo does not answer."""
    clock = SystemClock()
    with serving(app(stand_in)) as url:
        api = KlaviyoApi(url, clock, patience=(0.3, 600))
        klaviyo = api.sign_in("pk_sandbox", Deadline(clock, 60))
        stand_in.faults.add([Fault("hang", method="GET")])
        before = clock.monotonic()

        with pytest.raises(KlaviyoUnavailable):
            klaviyo.read_list(LIST, Deadline(clock, 0.2))

        assert clock.monotonic() - before < 60
        api.close()


def test_nothing_is_sent_without_a_permit(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """Who lost the right to post, between two attempts too, posts nothing more."""
    stand_in.faults.add([on_post("error", status=503, nth=None)])

    class UntilTheThird(Permit):
        asked = 0

        def check(self) -> None:
            self.asked += 1
            if self.asked == 3:
                raise ExportError("no more")

    with pytest.raises(ExportError, match="no more"):
        klaviyo.import_profiles(body("a@example.org"), deadline, UntilTheThird())

    assert [request.method for request in stand_in.requests].count("POST") == 2


def test_a_pause_that_begins_during_the_permit_is_obeyed(
    klaviyo: Klaviyo, stand_in: StandIn, clock: MadeClock, deadline: Deadline
) -> None:
    """While a post waits for its permit, a read may be told to pause; the post then waits too."""
    stand_in.faults.add([Fault("error", method="GET", status=503, retry_after=30)])

    class Reading(Permit):
        asked = 0

        def check(self) -> None:
            self.asked += 1
            if self.asked == 1:
                with suppress(KlaviyoUnavailable):
                    klaviyo.read_list(LIST, Deadline(clock, 1))

    klaviyo.import_profiles(body("a@example.org"), deadline, Reading())

    _account, read, post = stand_in.requests
    assert (read.method, post.method) == ("GET", "POST")
    assert post.time - read.time >= 30


def test_not_sent_is_told_from_answer_unknown(klaviyo: Klaviyo, stand_in: StandIn, clock: MadeClock) -> None:
    """A refused connection certainly posted nothing; a broken one may have."""
    stand_in.faults.add([on_post("cut_after", nth=None)])
    with pytest.raises(KlaviyoUnavailable) as broken:
        klaviyo.import_profiles(body("a@example.org"), Deadline(clock, 0.1), permit)
    assert broken.value.sent

    nobody = KlaviyoApi("http://127.0.0.1:1", clock)
    with pytest.raises(KlaviyoUnavailable) as refused:
        nobody.sign_in("pk_sandbox", Deadline(clock, 0.1))
    assert not refused.value.sent
    nobody.close()


def test_requests_are_klaviyos_own(clock: MadeClock) -> None:
    """Revision, media types and our own User-Agent go with each request, and a length with a body."""
    seen: list[dict[str, str]] = []

    async def answer(request: Request) -> JSONResponse:
        seen.append(dict(request.headers))
        await request.body()
        account = {"id": "A1", "attributes": {"contact_information": {"organization_name": "Made"}}}
        return JSONResponse({"data": [account] if request.method == "GET" else {"id": "J1"}})

    everything = Route("/{path:path}", answer, methods=["GET", "POST"])
    with serving(Starlette(routes=[everything])) as url:
        api = KlaviyoApi(url, clock)
        deadline = Deadline(clock, 60)
        sent = body("a@example.org")
        assert api.sign_in("pk_made", deadline).import_profiles(sent, deadline, permit) == "J1"
        api.close()

    for headers in seen:
        assert headers["authorization"] == "Klaviyo-API-Key pk_made"
        assert headers["revision"] == "2026-10-15"
        assert headers["accept"] == "application/vnd.api+json"
        assert headers["user-agent"].startswith("segment-export/")
    assert seen[1]["content-type"] == "application/vnd.api+json"
    assert seen[1]["content-length"] == str(sent.size)
    assert "transfer-encoding" not in seen[1]


def test_an_answer_that_never_comes_is_not_waited_for(stand_in: StandIn, clock: MadeClock) -> None:
    """A hanging connection is given up after the timeout, and the import goes again."""
    with serving(app(stand_in)) as url:
        api = KlaviyoApi(url, clock, patience=(0.3, 0.3))
        klaviyo = api.sign_in("pk_sandbox", Deadline(clock, 3600))
        stand_in.faults.add([on_post("hang")])

        klaviyo.import_profiles(body(*emails(3)), Deadline(clock, 3600), permit)

        api.close()
    assert {member.email for member in stand_in.members(LIST)} == set(emails(3))
