"""Checks each resource that a deployment depends on."""

from collections.abc import Iterator

from cli.doctor.deployment.app import check_app
from cli.doctor.deployment.azure import Azure, Unseen
from cli.doctor.deployment.place import Place
from cli.doctor.deployment.resources import unseen_finding
from cli.doctor.deployment.rights import check_rights
from cli.doctor.deployment.segments_account import check_segments_account
from cli.doctor.deployment.storage_account import check_state_account
from cli.doctor.deployment.subscription import check_clock, check_subscription
from cli.doctor.deployment.vault import check_vault
from shared.adapters.clock import Clock
from shared.administration.checkup.finding import Finding

NOT_TOLD = "Give it as an option, or set the variable that --help names, as azd does."


def examine_deployment(place: Place, clock: Clock, azure: Azure, graph: Azure) -> Iterator[Finding]:
    """Yields what exists and what is missing, and a warning if a name was not given or can't be read.

    `azure` is Azure Resource Manager, `graph` Microsoft Graph.
    """
    try:
        azure.sign_in()
    except Unseen as unseen:
        yield unseen_finding("sign-in", unseen)
        return
    yield from check_subscription(azure, place)
    yield from check_clock(azure, clock.now())
    groups = [place.group]
    if place.segments is not None:
        groups.append((yield from check_segments_account(azure, graph, place, place.segments, clock.now())))
    if place.vault is not None:
        groups.append((yield from check_vault(azure, place, place.vault)))
    yield from check_rights(azure, place.subscription, groups)
    if place.state is not None:
        yield from check_state_account(azure, place.subscription, place.state)
    if place.app is not None and place.group is not None:
        yield from check_app(azure, place, clock.now())
    untold = {
        "resource group": (place.group, "the group and its region"),
        "segments account": (place.segments, "the account that Customer Insights writes to"),
        "app": (place.app and place.group, "the app and its roles, once it is deployed"),
    }
    for name, (told, what) in untold.items():
        if told is None:
            yield Finding(
                name, f"not checked, because its name was not given: {what}", NOT_TOLD, warning=True
            )
