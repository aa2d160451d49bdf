"""The command `doctor`."""

import click

from cli.doctor.sign_in import check_sign_in
from cli.options import json_option, open_services
from cli.terminal.entry import FAILED, OK
from cli.terminal.output import print_json, print_line
from shared.adapters.clock import Deadline
from shared.administration.checkup import Finding, examine

# Seconds for all requests to Klaviyo.
ONLINE = 120


@click.command(short_help="Check the installation, with a fix for each problem.")
@click.option(
    "--url", metavar="URL", help="Also check that the app at this address refuses a forged sign-in."
)
@json_option
def doctor(url: str | None, as_json: bool) -> int:
    """Check settings, storage, vault, keys, exports, clocks and versions. Sends nothing to Klaviyo.

    Each problem comes with its fix.

    Example: segment-export doctor
    """
    findings = []
    forged = [check_sign_in(url)] if url is not None else []
    services = open_services()
    for finding in (*forged, *examine(services, Deadline(services.clock, ONLINE))):
        findings.append(finding)
        if not as_json:
            _show(finding)
    warned = any(finding.warning for finding in findings)
    is_well = not any(finding.fix and not finding.warning for finding in findings)
    if as_json:
        print_json({"well": is_well, "findings": [_members(finding) for finding in findings]})
    elif is_well:
        print_line("Nothing is wrong. Check the warnings." if warned else "Nothing is wrong.")
    return OK if is_well else FAILED


def _members(finding: Finding) -> dict[str, object]:
    return {
        "name": finding.name,
        "message": finding.message,
        "mend": finding.fix,
        "warning": finding.warning,
    }


def _show(finding: Finding) -> None:
    found = "ok   " if not finding.fix else "warn " if finding.warning else "WRONG"
    print_line(f"{found} {finding.name}: {finding.message}")
    if finding.fix:
        print_line(f"      {finding.fix}")
