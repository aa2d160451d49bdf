"""Heads of earlier versions as version 3 writes them, member by member."""

from typing import Any

import pytest

from shared.runs.heads.old import upgraded

NOON = "2026-08-24T12:00:00Z"
ERROR = {"code": "denied", "message": "No."}
SUPERSEDED = {"phase": "sending", "warnings": [{"code": "superseded"}]}
JOBS = [{"id": "1"}]


def upgraded_run(**members: Any) -> dict[str, Any]:
    """What becomes of an open run with these members."""
    run = {"record": {"phase": "sending"}, **members}
    made: dict[str, Any] = upgraded({"version": 1, "export": "vip", "open": run})["open"]
    return made


@pytest.mark.parametrize(
    ("members", "state"),
    [
        ({}, "opened"),
        ({"take_ups": 0}, "opened"),
        ({"take_ups": 1}, "pinning"),
        ({"plan": {"lines": 1}}, "sending"),
        ({"plan": {"lines": 1}, "take_ups": 1}, "sending"),
        ({"plan": {"lines": 1}, "jobs": JOBS}, "sending"),
        ({"record": {"phase": "confirming"}, "plan": {"lines": 1}, "jobs": JOBS}, "confirming"),
        ({"record": {"phase": "confirming"}, "plan": {"lines": 1}, "jobs": []}, "closing"),
        ({"ending": "failed", "plan": {"lines": 1}, "jobs": JOBS}, "confirming"),
        ({"ending": "failed", "plan": {"lines": 1}}, "closing"),
        ({"ending": "canceled"}, "closing"),
    ],
)
def test_each_state_is_told_by_what_the_run_has(members: dict[str, Any], state: str) -> None:
    """Its phase, its ending, its plan, its jobs, and whether a holder had begun."""
    assert upgraded_run(**members)["state"] == state


@pytest.mark.parametrize(
    ("members", "cut"),
    [
        ({}, None),
        ({"ending": None, "error": ERROR}, None),
        ({"ending": "canceled"}, {"cause": "canceled", "error": None}),
        ({"ending": "failed", "error": ERROR}, {"cause": "failed", "error": ERROR}),
        ({"ending": "canceled", "record": SUPERSEDED}, {"cause": "superseded"}),
        ({"ending": "failed", "error": ERROR, "record": SUPERSEDED}, {"cause": "failed", "error": ERROR}),
        ({"record": SUPERSEDED}, None),
    ],
)
def test_the_ending_becomes_what_cut_the_run_short(members: dict[str, Any], cut: object) -> None:
    """A superseded run was a canceled one with a warning."""
    assert upgraded_run(**members)["cut"] == cut


@pytest.mark.parametrize(
    ("members", "wait"),
    [
        ({}, None),
        ({"not_before": None, "waiting_for": "throttled"}, None),
        ({"not_before": NOON, "waiting_for": "throttled"}, {"until": NOON, "reason": "throttled"}),
        ({"not_before": NOON}, {"until": NOON, "reason": None}),
    ],
)
def test_the_time_becomes_a_wait(members: dict[str, Any], wait: object) -> None:
    """With its reason, if it has one."""
    assert upgraded_run(**members)["wait"] == wait


def test_everything_else_keeps_its_value() -> None:
    """Under its new name, or in its new place; what is missing stays missing."""
    deliveries = {
        "jobs": JOBS,
        "finished": [{"digest": "d"}],
        "unfinished": {"u": {"invalid": 1}},
        "checked": {"missing_email": 2},
        "sent_twice": 3,
    }
    run = upgraded_run(**deliveries, plan={"lines": 1}, limit=10, take_ups=4, looks=5, advanced_at=NOON)

    assert {name: run[name] for name in ("plan", "limit", "unfinished_turns", "looks", "advanced_at")} == {
        "plan": {"lines": 1},
        "limit": 10,
        "unfinished_turns": 4,
        "looks": 5,
        "advanced_at": NOON,
    }
    assert run["deliveries"] == deliveries
    assert upgraded_run()["deliveries"] == {}
    assert upgraded_run()["record"] == {"phase": "sending"}


def test_a_head_without_a_run_changes_its_version_only() -> None:
    """Its other members stay, and nothing is made up."""
    assert upgraded({"version": 1, "export": "vip", "superseded": 1}) == {
        "version": 3,
        "export": "vip",
        "superseded": 1,
        "open": None,
    }


def test_a_head_of_version_2_is_one_of_version_3() -> None:
    """Which only has more members."""
    head = {"version": 2, "export": "vip", "open": {"state": "confirming"}, "superseded": 1}

    assert upgraded(head) == head | {"version": 3}
