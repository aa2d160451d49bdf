"""What a run would send, from the same rows by the same rules: nothing is sent, and nothing written."""

from collections import Counter
from contextlib import suppress
from functools import cache, partial
from itertools import islice

from pydantic import Field

from shared import state
from shared.catalog import Export
from shared.errors import ExportError, NotFound, VaultUnavailable
from shared.klaviyo import JOBS_A_PAGE, MOST_PROFILES, least_seconds, room_for_profiles
from shared.ledger import read_erased, read_key, read_ledger
from shared.profiles import UNKEYED, Why, pack
from shared.runs.heads.head import read_head
from shared.runs.plan import PinnedErased, PinnedSegment, Plan
from shared.runs.record import WARNINGS, SegmentRecord, StateModel, WarningRecord
from shared.runs.steps.compare import Comparison, Warn, choose_ledger, comparison_of
from shared.runs.steps.rows import check, profiles_of
from shared.services import Services

# One for the account, one for the list, one to see that jobs can be read; then a page of jobs for each look.
READS = 3


class PreviewCounts(StateModel):
    """Of rows: rows = rejected + filtered + duplicates + unchanged + would_send, where nothing limits the
    run. `new` and `changed` are parts of `would_send`, and 0 where no ledger tells."""

    rows: int
    rejected: int
    filtered: int
    duplicates: int
    unchanged: int
    would_send: int
    new: int
    changed: int


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


def preview(services: Services, export: Export, limit: int | None = None, *, full: bool = False) -> Preview:
    """Reads the newest snapshots as a run would. `limit` is a trial's, and a `full` run sends everybody.

    Raises NotFound and InvalidSegment as a run would; Klaviyo is not asked. Where the vault is away, or has
    no digest key, everybody would be sent.
    """
    segments = [PinnedSegment.of(name, services.segments.newest(name)) for name in export.segments]
    plan = Plan(export=export, account_id=_account_id(services, export), segments=segments)
    check(services, plan)
    codes: dict[str, int] = {}
    comparison = _comparison(services, plan, codes.__setitem__, full=full)
    selection = comparison.select(lambda _: None)
    profiles = islice(profiles_of(services, plan, selection, comparison.digests), limit)
    room = room_for_profiles(export.list_id)
    sizes: list[int] = []
    why: Counter[Why] = Counter()
    for batch in pack(profiles, most_profiles=MOST_PROFILES, most_bytes=room):
        sizes.append(len(batch))
        why.update(profile.why for profile in batch.profiles)
    codes |= selection.warnings
    if plan.ledger is not None and plan.ledger.is_remapped:
        codes["full_resend"] = why[Why.AGAIN]
    warnings = [(code, WARNINGS[code], count) for code, count in codes.items() if count]
    if not (sizes or selection.unchanged):
        warnings.append(("empty_segment", WARNINGS["empty_segment"], 1))
    most = export.limits.max_profiles
    if sum(sizes) + selection.unchanged > most:
        message = f"The run would fail: the export's limits.max_profiles is {most:,}."
        warnings.append(("too_many_profiles", message, sum(sizes) + selection.unchanged))
    return Preview(
        export=export.id,
        list_id=export.list_id,
        segments=[segment.record() for segment in segments],
        counts=PreviewCounts(
            rows=selection.rows,
            rejected=selection.rejected,
            filtered=selection.filtered,
            duplicates=selection.duplicates,
            unchanged=selection.unchanged,
            would_send=sum(sizes),
            new=why[Why.NEW] if plan.ledger is not None else 0,
            changed=why[Why.CHANGED],
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


def _account_id(services: Services, export: Export) -> str:
    """The account that the export's connection is known to have."""
    with suppress(ExportError):
        account = services.catalog.connection(export.connection).account
        return account.id if account is not None else ""
    return ""


def _comparison(services: Services, plan: Plan, warn: Warn, *, full: bool) -> Comparison:
    """What the run would compare with; `warn` is told of the warnings that it would have for that."""
    key, read, head = None, cache(partial(read_ledger, services.state)), None
    erased = read_erased(services.state)
    if not state.is_of_one_file(plan.export.id):
        with suppress(NotFound):
            head, _ = read_head(services.state, plan.export.id)
    if head is None and erased is None:
        return Comparison(UNKEYED)
    with suppress(VaultUnavailable):
        key = read_key(services.vault)
        if erased is not None:
            erased.check(key)
            plan.erased = PinnedErased(key=erased.key, count=len(erased.people))
    # Without a key and a ledger, the run would make the key.
    if head is not None and not (key is None and head.ledger is None):
        plan.ledger = choose_ledger(plan, head, key, read, warn, full=full)
    return comparison_of(plan, key, read, frozenset(erased.people if erased is not None else ()))


def fields_of(export: Export) -> list[str]:
    """What leaves of a profile, by Klaviyo's names."""
    properties = [source.name or source.column for source in export.attributes.properties]
    return ["email", *export.attributes.sources, *(f"properties.{name}" for name in properties)]
