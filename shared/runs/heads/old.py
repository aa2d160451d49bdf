"""Upgrades heads that earlier versions wrote."""

from typing import Any

DELIVERIES = ("jobs", "finished", "unfinished", "checked", "sent_twice")


def upgraded(head: dict[str, Any]) -> dict[str, Any]:
    """A head of version 1 or 2 as version 3, which only adds members to version 2. Missing members stay
    missing: the model decides about them."""
    if head.get("version") == 2:
        return head | {"version": 3}
    run = head.get("open")
    return head | {"version": 3, "open": _run(run) if isinstance(run, dict) else run}


def _run(run: dict[str, Any]) -> dict[str, Any]:
    ending, phase = run.get("ending"), run["record"]["phase"]
    cut = {"cause": ending, "error": run.get("error")} if ending else None
    codes = {warning["code"] for warning in run["record"].get("warnings", ())}
    if ending == "canceled" and "superseded" in codes:
        cut = {"cause": "superseded"}
    if ending or phase == "confirming":
        state = "confirming" if run.get("jobs") else "closing"
    elif run.get("plan"):
        state = "sending"
    else:
        state = "pinning" if run.get("take_ups") else "opened"
    wait = {"until": run["not_before"], "reason": run.get("waiting_for")} if run.get("not_before") else None
    return {
        "record": run["record"],
        "state": state,
        "wait": wait,
        "cut": cut,
        "plan": run.get("plan"),
        "limit": run.get("limit"),
        "deliveries": {name: run[name] for name in DELIVERIES if name in run},
        "unfinished_turns": run.get("take_ups", 0),
        "looks": run.get("looks", 0),
        "advanced_at": run.get("advanced_at"),
    }
