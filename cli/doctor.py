"""`doctor`: what is wrong with an installation, and how to mend it."""

import click

from cli.checkup import examine
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
            say(f"{'WRONG' if finding.mend else 'ok   '} {finding.name}: {finding.message}")
            if finding.mend:
                say(f"      {finding.mend}")
    is_well = not any(finding.mend for finding in findings)
    if as_json:
        print_json({"well": is_well, "findings": findings})
    elif is_well:
        say("Nothing is wrong.")
    return OK if is_well else FAILED
