"""The command `doctor`."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain

import click

from cli.doctor.sign_in import check_sign_in
from cli.doctor.silence import check_timer
from cli.options import json_option, open_services
from cli.terminal.entry import FAILED, OK
from cli.terminal.live import WatchedClock
from cli.terminal.output import note, print_json, print_line
from shared.adapters.clock import Deadline, SystemClock
from shared.administration.checkup import Finding, examine
from shared.settings import Settings, https_url

# Seconds for all requests to Klaviyo.
ONLINE = 120
_GROUP = r"[\w.()-]{1,90}"

type _Command = Callable[..., int]


def _named(option: str, pattern: str, what: str, *variables: str) -> Callable[[_Command], _Command]:
    """An option of --deployment, by default from the environment variables: a name in Azure's own alphabet,
    so that nothing else gets into a URL.
    """

    def check(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
        if value is not None and re.fullmatch(pattern, value) is None:
            raise click.BadParameter("this name is not possible in Azure.")
        return value

    told = f"With --deployment: {what} [{' or '.join(variables)}]."
    return click.option(option, metavar="NAME", envvar=variables, callback=check, help=told)


@click.command()
@click.option(
    "--url",
    metavar="URL",
    help="Also check that the app at this URL refuses a forged sign-in, and that its timer ticks.",
)
@click.option(
    "--deployment",
    is_flag=True,
    help="Check the resources of a deployment in Azure instead, before or after you deploy.",
)
@_named("--subscription", r"[0-9a-fA-F-]{36}", "the id of the subscription", "AZURE_SUBSCRIPTION_ID")
@_named("--resource-group", _GROUP, "the resource group to deploy to", "AZURE_RESOURCE_GROUP")
@_named("--location", r"[A-Za-z0-9 ]{2,40}", "the region, if it differs from the group's", "AZURE_LOCATION")
@_named("--segments-account", r"[a-z0-9]{3,24}", "the storage account of the segments", "SEGMENTS_ACCOUNT")
@_named(
    "--segments-resource-group",
    _GROUP,
    "the resource group of that account, if it is another one",
    "SEGMENTS_RESOURCE_GROUP",
)
@_named("--segments-container", r"[a-z0-9-]{3,63}", "the container of the segments", "SEGMENTS_CONTAINER")
@_named(
    "--key-vault",
    r"[A-Za-z0-9-]{3,24}",
    "an existing vault for the keys; KEY_VAULT_URL's by default",
    "KEY_VAULT",
)
@_named(
    "--key-vault-resource-group",
    _GROUP,
    "the resource group of that vault, if it is another one",
    "KEY_VAULT_RESOURCE_GROUP",
)
@_named("--function-app", r"[A-Za-z0-9-]{2,60}", "the app, once it is deployed", "FUNCTION_APP_NAME")
@click.option(
    "--resource-manager",
    metavar="URL",
    default="https://management.azure.com",
    help="With --deployment: the Azure Resource Manager of another cloud.",
)
@click.option(
    "--graph",
    metavar="URL",
    default="https://graph.microsoft.com",
    help="With --deployment: the Microsoft Graph of another cloud.",
)
@json_option
def doctor(
    url: str | None,
    deployment: bool,
    resource_manager: str,
    graph: str,
    as_json: bool,
    **names: str | None,
) -> int:
    """Check settings, storage, vault, keys, exports, clocks and versions. Sends no data to Klaviyo.

    Shows a fix for each problem. With --deployment, it checks Azure instead, before or after the first
    deployment: providers, region, accounts, vault, roles and your own rights. It reads as you (az login), and
    changes nothing.

    Example: segment-export doctor
    """
    findings = []
    deployed = [check_sign_in(url), check_timer(url)] if url is not None else []
    found = _deployment(resource_manager, graph, names) if deployment else _installation()
    for finding in chain(deployed, found):
        findings.append(finding)
        if not as_json:
            _show(finding)
    warned = any(finding.warning for finding in findings)
    is_well = not any(finding.fix and not finding.warning for finding in findings)
    if as_json:
        print_json({"well": is_well, "findings": [_members(finding) for finding in findings]})
    elif is_well:
        print_line("No problems were found. Check the warnings." if warned else "No problems were found.")
    return OK if is_well else FAILED


def _installation() -> Iterator[Finding]:
    """The findings, with a note while a check takes long."""
    clock = WatchedClock()
    services = open_services(clock)
    found = examine(services, Deadline(services.clock, ONLINE))
    late = f"Something does not answer. Trying again, for up to {ONLINE} s."
    while True:
        with clock.reporting_delay(lambda: note(late)):
            finding = next(found, None)
        if finding is None:
            return
        yield finding


def _deployment(resource_manager: str, graph: str, names: Mapping[str, str | None]) -> Iterator[Finding]:
    """Raises InvalidSettings if an address can't be an API's."""
    from cli.doctor.deployment import Place, examine_deployment, open_apis

    subscription = names["subscription"]
    if subscription is None:
        raise click.UsageError("--deployment needs --subscription, or AZURE_SUBSCRIPTION_ID.")
    place = Place.of(
        Settings.from_environment(),
        subscription,
        group=names["resource_group"],
        location=names["location"],
        segments=names["segments_account"],
        segments_group=names["segments_resource_group"],
        container=names["segments_container"],
        vault=names["key_vault"],
        vault_group=names["key_vault_resource_group"],
        app=names["function_app"],
    )
    resource_manager = https_url("--resource-manager", resource_manager).rstrip("/")
    graph = https_url("--graph", graph).rstrip("/")
    clock = SystemClock()
    azure, entra = map(click.get_current_context().with_resource, open_apis(resource_manager, graph, clock))
    return examine_deployment(place, clock, azure, entra)


def _members(finding: Finding) -> dict[str, object]:
    return {
        "name": finding.name,
        "status": "ok" if not finding.fix else "warning" if finding.warning else "wrong",
        "message": finding.message,
        "fix": finding.fix,
        "warning": finding.warning,
    }


def _show(finding: Finding) -> None:
    found = "ok   " if not finding.fix else "warn " if finding.warning else "WRONG"
    print_line(f"{found} {finding.name}: {finding.message}")
    if finding.fix:
        print_line(f"      {finding.fix}")
