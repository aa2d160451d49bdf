"""The first rows of an export, for people who may see them."""

from shared.administration.audit import audited
from shared.administration.exports import check_export
from shared.administration.rights import Action, Person
from shared.catalog import Export
from shared.runs.views.sample import sample
from shared.services import Services


def first_rows(services: Services, by: Person, export: Export, *, unmasked: bool) -> list[dict[str, str]]:
    """The first rows, for callers who may see the connection. The audit records that a person saw them
    unmasked, but not whom they saw.

    Raises Forbidden, and NotFound and InvalidSegment as a run would.
    """
    check_export(services, by, Action.SHOW_ROWS, export)
    if not unmasked:
        return sample(services, export, masked=True)
    with audited(services, by, Action.SHOW_ROWS, f"exports/{export.id}"):
        return sample(services, export, masked=False)
