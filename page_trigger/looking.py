"""The read-only pages: the audit and the health."""

from dataclasses import asdict

from page_trigger.rendering import render
from page_trigger.visits import Visit
from shared.administration.audit import Filter, read_audit
from shared.administration.checkup import examine
from shared.api import Reply, deadline_of
from shared.services import process_services

A_PAGE = 50
MOST_FINDINGS = 100
_LONGEST = 200


def show_audit(visit: Visit) -> Reply:
    """Who did what, newest first; filtered by document or person on request."""
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
    """The problems, worst first; checks without a problem are folded."""
    services = process_services()
    findings = list(examine(services, deadline_of(services)))
    wrong = sorted((each for each in findings if each.fix), key=lambda each: each.warning)
    fine = [each for each in findings if not each.fix]
    return render(
        visit,
        "health.html",
        broken=sum(not each.warning for each in wrong),
        wrong=wrong[:MOST_FINDINGS],
        more_wrong=len(wrong[MOST_FINDINGS:]),
        fine=fine[:MOST_FINDINGS],
        more_fine=len(fine[MOST_FINDINGS:]),
    )
