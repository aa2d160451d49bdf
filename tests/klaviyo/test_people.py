"""People who consented are subscribed, and people who are to be forgotten are erased."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest
from openapi_client import models
from starlette.requests import Request
from starlette.responses import Response

from sandbox.klaviyo import SCOPES, Fault, StandIn
from shared.adapters.clock import Deadline
from shared.errors import BatchRefused, Denied, ExportError, KlaviyoUnavailable, NotFound
from shared.klaviyo import MOST_SUBSCRIBED, Klaviyo, Permit, Subscriber
from tests.klaviyo.asking import asking
from tests.klaviyo.test_members import asked, emails, join
from tests.support.world import LIST

SUBSCRIPTIONS = "/api/profile-subscription-bulk-create-jobs"
ERASURES = "/api/data-privacy-deletion-jobs"
CONSENTED = datetime(2026, 1, 1, 9, 30, tzinfo=timezone(timedelta(hours=2)))
permit = Permit()

CALLS: dict[str, Callable[[Klaviyo, Deadline, Permit], object]] = {
    "subscribe": lambda k, d, p: k.subscribe(LIST, [Subscriber("a@example.org", CONSENTED)], d, p),
    "erase": lambda k, d, p: k.erase("a@example.org", d, p),
}


def test_people_are_subscribed(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """A thousand at once join the list with their consent; nobody is asked to confirm it."""
    account = stand_in.accounts["SNDBOX"]
    account.lists[LIST].opt_in_process = "double_opt_in"
    people = [Subscriber(email, CONSENTED) for email in emails(MOST_SUBSCRIBED)]

    klaviyo.subscribe(LIST, people, deadline, permit)

    assert [member.email for member in stand_in.members(LIST)] == emails(MOST_SUBSCRIBED)
    consents = {account.consents[member.number] for member in stand_in.members(LIST)}
    assert {(consent.email, consent.consented_at) for consent in consents} == {
        ("SUBSCRIBED", CONSENTED.timestamp())
    }
    assert asked(stand_in) == [("POST", SUBSCRIPTIONS)]


def test_a_subscription_names_who_was_refused(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline
) -> None:
    """Klaviyo takes all or none: the caller learns whom to leave out."""
    people = [Subscriber(email, CONSENTED) for email in ["a@example.org", "b@@example.org"]]

    with pytest.raises(BatchRefused) as caught:
        klaviyo.subscribe(LIST, people, deadline, permit)

    assert [(p.index, p.attribute) for p in caught.value.profiles] == [(1, "email")]
    assert stand_in.members(LIST) == []


@pytest.mark.parametrize("status", [None, 404])
def test_a_subscription_to_a_list_that_is_gone(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline, status: int | None
) -> None:
    """In whatever way Klaviyo says it, it is the list that does not exist."""
    stand_in.accounts["SNDBOX"].lists.pop(LIST)
    stand_in.faults.add([Fault("error", method="POST", status=status)] if status else [])

    with pytest.raises(NotFound) as caught:
        CALLS["subscribe"](klaviyo, deadline, permit)
    assert caught.value.code == "unknown_list"


def test_who_is_erased_is_gone(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """The profile with this address, in any case, goes for good and from every list; others stay."""
    join(stand_in, emails(3))

    klaviyo.erase(emails(3)[1].upper(), deadline, permit)

    assert [member.email for member in stand_in.members(LIST)] == [emails(3)[0], emails(3)[2]]
    assert klaviyo.profiles_among([emails(3)[1]], deadline) == []
    assert asked(stand_in)[0] == ("POST", ERASURES)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_answer_that_got_lost_is_no_harm(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline, call: Callable[..., object]
) -> None:
    """Subscribing or erasing somebody twice does it once."""
    join(stand_in, ["a@example.org", "b@example.org"])
    stand_in.faults.add([Fault("cut_after", method="POST")])

    call(klaviyo, deadline, permit)

    assert len(asked(stand_in)) == 2
    others = {member.email for member in stand_in.members(LIST)} - {"a@example.org"}
    assert others == {"b@example.org"}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("content", [b"<html>Welcome to our network</html>", b"{}"])
def test_what_something_on_the_way_answers_is_no_success(call: Callable[..., object], content: bytes) -> None:
    """Only 202 and 204 are how Klaviyo accepts: a page that logs people into a network is not."""
    answers = [Response(content, 200), Response(content, 201)]

    def answer(_: Request) -> Response:
        return answers.pop() if answers else Response(status_code=202)

    with asking(answer) as (klaviyo, clock):
        with pytest.raises(KlaviyoUnavailable) as caught:
            call(klaviyo, Deadline(clock, 0.1), permit)
        call(klaviyo, Deadline(clock, 60), permit)

    assert caught.value.code == "unexpected_answer"
    assert not answers


def test_an_erasure_that_is_refused(klaviyo: Klaviyo, deadline: Deadline) -> None:
    """Klaviyo's refusal of the one request is no refused batch, and repeats nobody."""
    with pytest.raises(Denied) as caught:
        klaviyo.erase(7, deadline, permit)  # type: ignore[arg-type]
    assert caught.value.code == "request_refused"


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_nothing_changes_without_a_permit(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline, call: Callable[..., object]
) -> None:
    """Who lost the right to change the account sends nothing."""

    class No(Permit):
        def check(self) -> None:
            raise ExportError("no more")

    with pytest.raises(ExportError, match="no more"):
        call(klaviyo, deadline, No())
    assert asked(stand_in) == []


@pytest.mark.parametrize(
    ("missing", "name"),
    [
        ("lists:write", "subscribe"),
        ("profiles:write", "subscribe"),
        ("subscriptions:write", "subscribe"),
        ("data-privacy:write", "erase"),
    ],
)
def test_a_missing_scope_is_named(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline, missing: str, name: str
) -> None:
    """403: which scope, so that somebody can make a key that has it."""
    stand_in.accounts["SNDBOX"].keys = {"pk_sandbox": SCOPES - {missing}}

    with pytest.raises(Denied, match=missing) as caught:
        CALLS[name](klaviyo, deadline, permit)
    assert caught.value.code == "missing_scope"


def test_bodies_are_klaviyos_own() -> None:
    """Klaviyo's own models of these bodies know each of their members; consent is told in UTC."""
    bodies: list[dict[str, object]] = []

    def answer(request: Request) -> Response:
        bodies.append(orjson.loads(request._body))
        return Response(status_code=204)

    with asking(answer) as (klaviyo, clock):
        deadline = Deadline(clock, 60)
        klaviyo.remove_from_list(LIST, ["01A", "01B"], deadline, permit)
        klaviyo.subscribe(LIST, [Subscriber("a@example.org", CONSENTED)], deadline, permit)
        klaviyo.erase("a@example.org", deadline, permit)

    removal, subscription, erasure = bodies
    assert models.ListMembersDeleteQuery.model_validate(removal).to_dict() == removal
    read = models.SubscriptionCreateJobCreateQuery.model_validate(subscription).to_dict()
    (profile,) = read["data"]["attributes"]["profiles"]["data"]
    marketing = profile["attributes"]["subscriptions"]["email"]["marketing"]
    assert marketing["consented_at"] == CONSENTED
    marketing["consented_at"] = "2026-01-01T07:30:00+00:00"
    assert read == subscription
    assert models.DataPrivacyCreateDeletionJobQuery.model_validate(erasure).to_dict() == erasure


def test_a_subscriber_is_in_no_repr() -> None:
    """Neither the address nor when they consented."""
    assert repr(Subscriber("canary@example.org", datetime(2026, 1, 1, tzinfo=UTC))) == "Subscriber()"
