"""An export's destination at Klaviyo: its list, the flows that start there, and the plan's limits."""

from collections.abc import Callable
from contextlib import suppress

from pydantic import Field

from shared.adapters.clock import Deadline
from shared.catalog import Export
from shared.errors import ExportError
from shared.klaviyo import Klaviyo
from shared.runs.record import StateModel
from shared.services import Services, open_account

# Seconds for all questions.
PATIENCE = 20.0


class FlowShown(StateModel):
    """A flow that starts when somebody joins the list; `status` is Klaviyo's."""

    name: str
    status: str


class AtKlaviyo(StateModel):
    """The destination; None for parts that are unknown, for which `unknown` has the codes of the reasons.

    `opt_in` is whether people who subscribe must confirm it; imports ask nobody. `profiles_used` and
    `profiles_most` are of the account's plan.
    """

    list_name: str | None = None
    opt_in: str | None = None
    members: int | None = None
    flows: list[FlowShown] | None = None
    profiles_used: int | None = None
    profiles_most: int | None = None
    unknown: dict[str, str] = Field(default_factory=dict)


def look_at_klaviyo(services: Services, export: Export) -> AtKlaviyo:
    """Asks Klaviyo for everything that the key may read; the rest is in `unknown`."""
    deadline = Deadline(services.clock, PATIENCE)
    try:
        klaviyo = open_account(services, services.catalog.connection(export.connection), deadline)
    except ExportError as problem:
        return AtKlaviyo(unknown={"account": problem.code})
    return look_at_list(klaviyo, export, deadline)


def look_at_list(klaviyo: Klaviyo, export: Export, deadline: Deadline) -> AtKlaviyo:
    """The same for an account that is already open."""
    shown = AtKlaviyo()
    questions: dict[str, Callable[[AtKlaviyo, Klaviyo, Export, Deadline], None]] = {
        "list": _list,
        "members": _members,
        "flows": _flows,
        "usage": _usage,
    }
    for name, ask in questions.items():
        try:
            ask(shown, klaviyo, export, deadline)
        except ExportError as problem:
            shown.unknown[name] = problem.code
    return shown


def _list(shown: AtKlaviyo, klaviyo: Klaviyo, export: Export, deadline: Deadline) -> None:
    found = klaviyo.read_list(export.list_id, deadline)
    shown.list_name = found.name
    shown.opt_in = found.opt_in


def _members(shown: AtKlaviyo, klaviyo: Klaviyo, export: Export, deadline: Deadline) -> None:
    shown.members = klaviyo.count_members(export.list_id, deadline)


def _flows(shown: AtKlaviyo, klaviyo: Klaviyo, export: Export, deadline: Deadline) -> None:
    found = klaviyo.flows_of(export.list_id, deadline)
    shown.flows = [FlowShown(name=flow.name, status=flow.status) for flow in found]


def _usage(shown: AtKlaviyo, klaviyo: Klaviyo, _: Export, deadline: Deadline) -> None:
    with suppress(StopIteration):
        usage = next(each for each in klaviyo.usage(deadline) if each.unit == "profiles")
        shown.profiles_used = None if usage.used is None else int(usage.used)
        shown.profiles_most = None if usage.most is None else int(usage.most)
