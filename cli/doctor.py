"""`doctor`: what is wrong with an installation, and how to mend it."""

import click

from cli.checkup import Finding, examine
from cli.entry import FAILED, OK
from cli.options import json_option, open_services
from cli.output import print_json, say


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Look for what is wrong: settings, storage, vault, keys, exports, the clock, versions. Sends nothing.

    Example: segment-export doctor
    """
    findings = []
    for finding in examine(open_services()):
        findings.append(finding)
        if not as_json:
            _show(finding)
    warned = any(finding.warning for finding in findings)
    is_well = not any(finding.mend and not finding.warning for finding in findings)
    if as_json:
        print_json({"well": is_well, "findings": findings})
    elif is_well:
        say("Nothing is wrong, if what is warned of is meant so." if warned else "Nothing is wrong.")
    return OK if is_well else FAILED


def _show(finding: Finding) -> None:
    found = "ok   " if not finding.mend else "warn " if finding.warning else "WRONG"
    say(f"{found} {finding.name}: {finding.message}")
    if finding.mend:
        say(f"      {finding.mend}")
