"""The pages that only show: the audit, and the health."""

from dataclasses import asdict

from page_trigger.rendering import render
from page_trigger.visits import Visit
from shared.administration.audit import Filter, read_audit
from shared.administration.checkup import examine
from shared.api import Reply, deadline_of
from shared.services import process_services

A_PAGE = 50
_LONGEST = 200


def show_audit(visit: Visit) -> Reply:
    """Who did what, newest first; of one document or one person where they are asked for."""
    document, person = (visit.query(name).strip()[:_LONGEST] for name in ("document", "person"))
    found = read_audit(process_services(), Filter(document, person), A_PAGE, visit.query("before"))
    return render(
        visit,
        "audit.html",
        entries=found.entries,
        following=found.following,
        wanted=asdict(Filter(document, person)),
    )


def show_health(visit: Visit) -> Reply:
    """What is wrong, first; what is fine after it."""
    services = process_services()
    findings = list(examine(services, deadline_of(services)))
    findings.sort(key=lambda finding: (not finding.fix or finding.warning, not finding.fix))
    return render(visit, "health.html", findings=findings)
