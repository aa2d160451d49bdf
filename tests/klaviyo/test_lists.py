"""What Klaviyo says of a list and of the account's plan."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from starlette.responses import Response

from sandbox.klaviyo import SCOPES, StandIn
from shared.adapters.clock import Deadline
from shared.errors import Denied, KlaviyoUnavailable, NotFound
from shared.klaviyo import Flow, ImportBody, Klaviyo, OptIn, Permit, Usage
from tests.klaviyo.asking import asking
from tests.klaviyo.test_members import emails, join
from tests.support.world import LIST


@pytest.mark.parametrize("opt_in", OptIn)
def test_a_list_has_an_opt_in_process(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline, opt_in: OptIn
) -> None:
    """Whether its subscribers are asked to confirm."""
    stand_in.accounts["SNDBOX"].lists[LIST].opt_in_process = opt_in.value

    assert klaviyo.read_list(LIST, deadline).opt_in is opt_in


@pytest.mark.parametrize("word", [None, "", "triple_opt_in", 7, []])
def test_an_opt_in_process_that_is_not_known(word: Any) -> None:
    """Klaviyo may leave it out, or add a word: a list is a list all the same."""
    attributes = {"name": "VIP", "opt_in_process": word}
    content = orjson.dumps({"data": {"id": LIST, "attributes": attributes}})

    with asking(lambda _: Response(content)) as (klaviyo, clock):
        assert klaviyo.read_list(LIST, Deadline(clock, 60)).opt_in is None


def test_members_are_counted(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """As many as there are, and never faster than Klaviyo allows a count, which is less than a list."""
    join(stand_in, emails(123))

    assert [klaviyo.count_members(LIST, deadline) for _ in range(3)] == [123] * 3
    assert {request.status for request in stand_in.requests} == {200}


@pytest.mark.parametrize("count", [None, -1, "3", 1.5, True, 10**10])
def test_a_count_that_is_none(count: Any) -> None:
    """A number that is left out is not a list without members."""
    content = orjson.dumps({"data": {"id": LIST, "attributes": {"profile_count": count}}})

    with asking(lambda _: Response(content)) as (klaviyo, clock), pytest.raises(KlaviyoUnavailable):
        klaviyo.count_members(LIST, Deadline(clock, 3))


def test_flows_of_a_list(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """Those that start when somebody joins it, with their names."""
    assert klaviyo.flows_of(LIST, deadline) == []

    stand_in.accounts["SNDBOX"].lists[LIST].flows = ["Welcome", "Birthday"]
    flows = klaviyo.flows_of(LIST, deadline)

    assert [(flow.name, flow.status) for flow in flows] == [("Welcome", "live"), ("Birthday", "live")]
    assert len({flow.id for flow in flows}) == 2


@pytest.mark.parametrize(
    ("attributes", "flow"),
    [
        ({"name": None, "status": None}, Flow("F1", "", "")),
        ({}, Flow("F1", "", "")),
        ({"name": "a\x1b[2J", "status": "\x1b[2J"}, Flow("F1", "a\\x1b[2J", "")),
        ({"name": "x" * 5_000, "status": "manual"}, Flow("F1", "x" * 199 + "…", "manual")),
    ],
)
def test_a_flow_is_shown_safely(attributes: dict[str, Any], flow: Flow) -> None:
    """No name writes to a terminal what it likes, and what is left out is empty."""
    content = orjson.dumps({"data": [{"id": "F1", "attributes": attributes}]})

    with asking(lambda _: Response(content)) as (klaviyo, clock):
        assert klaviyo.flows_of(LIST, Deadline(clock, 60)) == [flow]


def test_usage_of_the_plan(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """How many profiles the account has, and how many it pays for."""
    join(stand_in, emails(7))
    stand_in.accounts["SNDBOX"].plan = 500

    (usage,) = [usage for usage in klaviyo.usage(deadline) if usage.unit == "profiles"]

    assert (usage.used, usage.most) == (7, 500)


@pytest.mark.parametrize("number", [None, "7", -1, True, 10**10])
def test_usage_that_klaviyo_does_not_say(number: Any) -> None:
    """What is left out, or is no number, is not known: that is no error."""
    attributes = {"usage_used": number, "usage_max": number, "unit": number}
    content = orjson.dumps({"data": [{"id": "email-sends", "attributes": attributes}]})

    with asking(lambda _: Response(content)) as (klaviyo, clock):
        assert klaviyo.usage(Deadline(clock, 60)) == [Usage("email-sends", None, None, "")]


def test_usage_may_be_a_fraction() -> None:
    """Money and credits have decimals."""
    attributes = {"usage_used": 1.5, "usage_max": 10, "unit": "USD"}
    content = orjson.dumps({"data": [{"id": "sms", "attributes": attributes}]})

    with asking(lambda _: Response(content)) as (klaviyo, clock):
        assert klaviyo.usage(Deadline(clock, 60)) == [Usage("sms", 1.5, 10, "USD")]


def test_profiles_of_a_job(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """The ids of all that a job imported, a hundred a request."""
    profiles = [orjson.dumps({"type": "profile", "attributes": {"email": email}}) for email in emails(250)]
    job_id = klaviyo.import_profiles(ImportBody(profiles, LIST), deadline, Permit())

    ids = list(klaviyo.job_profiles(job_id, deadline))

    assert ids == [member.id for member in stand_in.members(LIST)]
    path = f"/api/profile-bulk-import-jobs/{job_id}/relationships/profiles"
    assert [request.path for request in stand_in.requests].count(path) == 3


CALLS: dict[str, Callable[[Klaviyo, str, Deadline], object]] = {
    "count_members": lambda k, name, d: k.count_members(name, d),
    "flows_of": lambda k, name, d: k.flows_of(name, d),
    "usage": lambda k, name, d: k.usage(d),
    "job_profiles": lambda k, name, d: list(k.job_profiles(name, d)),
}


@pytest.mark.parametrize(
    ("name", "code"),
    [("count_members", "unknown_list"), ("flows_of", "unknown_list"), ("job_profiles", "unknown_at_klaviyo")],
)
def test_what_is_not_there(klaviyo: Klaviyo, deadline: Deadline, name: str, code: str) -> None:
    """A list that is gone has a code of its own; of a job, Klaviyo no longer has it."""
    with pytest.raises(NotFound) as caught:
        CALLS[name](klaviyo, "NoSuch", deadline)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("missing", "name"),
    [
        ("lists:read", "count_members"),
        ("flows:read", "flows_of"),
        ("lists:read", "flows_of"),
        ("usage:read", "usage"),
        ("profiles:read", "job_profiles"),
    ],
)
def test_a_missing_scope_is_named(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline, missing: str, name: str
) -> None:
    """403: which scope, so that somebody can make a key that has it."""
    stand_in.accounts["SNDBOX"].keys = {"pk_sandbox": SCOPES - {missing}}

    with pytest.raises(Denied, match=missing) as caught:
        CALLS[name](klaviyo, LIST, deadline)
    assert caught.value.code == "missing_scope"
