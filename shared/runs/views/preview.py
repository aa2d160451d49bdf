"""What a run would send, from the same rows by the same rules: nothing is sent, and nothing written."""

from itertools import islice

from pydantic import Field

from shared.catalog import Export
from shared.klaviyo import JOBS_A_PAGE, MOST_PROFILES, least_seconds, room_for_profiles
from shared.profiles import Selection, pack
from shared.runs.plan import PinnedSegment, Plan
from shared.runs.record import WARNINGS, SegmentRecord, StateModel, WarningRecord
from shared.runs.steps.rows import check, profiles_of
from shared.services import Services

# One for the account, one for the list, one to see that jobs can be read; then a page of jobs for each look.
READS = 3


class PreviewCounts(StateModel):
    """Of rows: rows = rejected + filtered + duplicates + would_send, where nothing limits the run."""

    rows: int
    rejected: int
    filtered: int
    duplicates: int
    would_send: int


class Preview(StateModel):
    """`fields` are what leaves of a profile, `requests` the least that a run takes, and `least_seconds` the
    time that Klaviyo's limits ask for them."""

    export: str
    list_id: str
    segments: list[SegmentRecord]
    counts: PreviewCounts
    rejected_by_reason: dict[str, int]
    warnings: list[WarningRecord] = Field(default_factory=list)
    fields: list[str]
    batches: int
    requests: int
    least_seconds: int


def preview(services: Services, export: Export, limit: int | None = None) -> Preview:
    """Reads the newest snapshots as a run would. `limit` is a trial's.

    Raises NotFound and InvalidSegment as a run would; Klaviyo and the vault are not asked.
    """
    segments = [PinnedSegment.of(name, services.segments.newest(name)) for name in export.segments]
    plan = Plan(export=export, account_id="", segments=segments)
    check(services, plan)
    selection = Selection(lambda _: None)
    profiles = islice(profiles_of(services, plan, selection), limit)
    room = room_for_profiles(export.list_id)
    batches = pack(profiles, most_profiles=MOST_PROFILES, most_bytes=room)
    sizes = [len(batch) for batch in batches]
    warnings = [(code, WARNINGS[code], count) for code, count in selection.warnings.items()]
    if not sizes:
        warnings.append(("empty_segment", WARNINGS["empty_segment"], 1))
    most = export.limits.max_profiles
    if sum(sizes) > most:
        message = f"The run would fail: the export's limits.max_profiles is {most:,}."
        warnings.append(("too_many_profiles", message, sum(sizes)))
    return Preview(
        export=export.id,
        list_id=export.list_id,
        segments=[segment.record() for segment in segments],
        counts=PreviewCounts(
            rows=selection.rows,
            rejected=selection.rejected,
            filtered=selection.filtered,
            duplicates=selection.duplicates,
            would_send=sum(sizes),
        ),
        rejected_by_reason=dict(sorted(selection.rejected_by_reason.items())),
        warnings=[
            WarningRecord(code=code, message=message, count=count) for code, message, count in warnings
        ],
        fields=fields_of(export),
        batches=len(sizes),
        requests=READS + len(sizes) + -(-len(sizes) // JOBS_A_PAGE),
        least_seconds=least_seconds("import", len(sizes)),
    )


def fields_of(export: Export) -> list[str]:
    """What leaves of a profile, by Klaviyo's names."""
    properties = [source.name or source.column for source in export.attributes.properties]
    return ["email", *export.attributes.sources, *(f"properties.{name}" for name in properties)]
