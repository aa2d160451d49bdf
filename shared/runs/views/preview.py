"""A preview of what a run would send, from the same rows by the same rules; nothing is sent or written."""

from collections import Counter
from contextlib import suppress
from itertools import islice

from pydantic import Field

from shared import state
from shared.catalog import Export
from shared.errors import ExportError
from shared.klaviyo import (
    JOBS_A_PAGE,
    MOST_ADDRESSES,
    MOST_PROFILES,
    MOST_REMOVED,
    least_seconds,
    room_for_profiles,
)
from shared.profiles import Rejected, Selection, Why, pack
from shared.profiles.digest_set import DigestSet
from shared.runs.plan import PinnedSegment, Plan
from shared.runs.record import WARNINGS, SegmentRecord, StateModel, WarningRecord
from shared.runs.removal import OTHERS_UNKNOWN, found_by
from shared.runs.steps.again import consents_in
from shared.runs.steps.consent import Consents
from shared.runs.steps.others import read_others
from shared.runs.steps.rows import check, profiles_of
from shared.runs.views.at_klaviyo import AtKlaviyo, look_at_klaviyo
from shared.runs.views.compared import Compared, compare
from shared.services import Services

# One for the account, one for the list, one to check that jobs can be read; then a page of jobs per look.
READS = 3
# Refused rows whose places are shown.
SHOWN = 20


class PreviewCounts(StateModel):
    """Counts of rows: rows = rejected + filtered + duplicates + unchanged + would_send, unless the run is
    limited. `new` and `changed` are parts of `would_send`, and 0 without a ledger; `would_remove` and
    `would_subscribe` count people."""

    rows: int
    rejected: int
    filtered: int
    duplicates: int
    unchanged: int
    would_send: int
    new: int
    changed: int
    would_remove: int
    would_subscribe: int = 0


class RejectedShown(StateModel):
    """The place of a row that would be refused, and why."""

    partition: str
    row: int
    column: str
    reason: str


class Preview(StateModel):
    """`first_rejected` are the first places of refused rows. `removals_held` is whether the safeguard would
    hold all removals; `removals_held_because` is the reason, with the next step. `at_klaviyo` is None if
    Klaviyo was not asked. `fields` are the parts of a profile that are sent, `requests` the least that a run
    takes, and `least_seconds` the time that Klaviyo's limits require for its imports.
    """

    export: str
    list_id: str
    segments: list[SegmentRecord]
    counts: PreviewCounts
    rejected_by_reason: dict[str, int]
    warnings: list[WarningRecord] = Field(default_factory=list)
    first_rejected: list[RejectedShown] = Field(default_factory=list)
    removals_held: bool = False
    removals_held_because: str = ""
    at_klaviyo: AtKlaviyo | None = None
    fields: list[str]
    batches: int
    requests: int
    least_seconds: int


def preview(
    services: Services,
    export: Export,
    limit: int | None = None,
    *,
    full: bool = False,
    confirmed: int | None = None,
    most_shown: int = SHOWN,
) -> Preview:
    """Reads the newest snapshots as a run would. `limit` is a trial's, a `full` run sends everybody, and
    `confirmed` is the number of confirmed removals. At most `most_shown` refused rows are shown.

    Raises NotFound and InvalidSegment as a run would. If the vault is unavailable or has no digest key,
    everybody would be sent. Klaviyo is asked about the list, unless the export is of one file.
    """
    segments = [PinnedSegment.of(name, services.segments.newest(name)) for name in export.segments]
    plan = Plan(export=export, account_id=_account_id(services, export), segments=segments)
    check(services, plan)
    codes: dict[str, int] = {}
    compared = compare(services, plan, codes.__setitem__, full=full, is_trial=limit is not None)
    rejected: list[Rejected] = []
    selection = plan.selection(
        lambda row: rejected.append(row) if len(rejected) < most_shown else None,
        compared.known,
        compared.erased,
    )
    profiles = islice(profiles_of(services, plan, selection, compared.digests), limit)
    room = room_for_profiles(export.list_id)
    sizes: list[int] = []
    why: Counter[Why] = Counter()
    for batch in pack(profiles, most_profiles=MOST_PROFILES, most_bytes=room):
        sizes.append(len(batch))
        why.update(batch.whys)
    codes |= selection.warnings
    would_remove, held = 0, None
    if limit is None and export.sync.mode == "mirror" and compared.known:
        others = read_others(services, plan)
        left = list(selection.leavers())
        removal = found_by(selection, len(compared.known), len(left), compared.rows_before)
        removal.kept_for_another = sum(map(others.want, left))
        would_remove = removal.pending
        codes["kept_for_another"] = removal.kept_for_another
        held = OTHERS_UNKNOWN if others.is_unknown else removal.held(export.sync.max_removal_share, confirmed)
        held = held if would_remove else None
    would_subscribe = 0
    if limit is None:
        would_subscribe, codes["not_subscribed"] = _subscriptions(services, plan, compared, selection)
    if plan.ledger is not None and plan.ledger.is_remapped:
        codes["full_resend"] = why[Why.AGAIN]
    warnings = [(code, WARNINGS[code], count) for code, count in codes.items() if count]
    if not (sizes or selection.unchanged):
        warnings.append(("empty_segment", WARNINGS["empty_segment"], 1))
    most, selected = export.limits.max_profiles, sum(sizes) + selection.unchanged
    selected = selected if limit is None else min(selected, limit)
    if selected > most:
        message = f"The run would fail: the export's limits.max_profiles is {most:,}."
        warnings.append(("too_many_profiles", message, selected))
    at_klaviyo = None if state.is_of_one_file(export.id) else look_at_klaviyo(services, export)
    if at_klaviyo is not None and at_klaviyo.unknown.get("list") == "unknown_list":
        message = f"The run would fail: the connection's account has no list {export.list_id}."
        warnings.append(("unknown_list", message, 1))
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
            would_remove=would_remove,
            would_subscribe=would_subscribe,
        ),
        rejected_by_reason=dict(sorted(selection.rejected_by_reason.items())),
        warnings=[
            WarningRecord(code=code, message=message, count=count) for code, message, count in warnings
        ],
        first_rejected=[
            RejectedShown(
                partition=plan.partitions()[row.partition],
                row=row.row,
                column=row.column,
                reason=row.reason,
            )
            for row in rejected
        ],
        removals_held=held is not None,
        removals_held_because=held.advice(export.id) if held is not None else "",
        at_klaviyo=at_klaviyo,
        fields=fields_of(export),
        batches=len(sizes),
        requests=READS
        + len(sizes)
        + -(-len(sizes) // JOBS_A_PAGE)
        + (_removal_requests(would_remove) if held is None else 0),
        least_seconds=least_seconds("import", len(sizes)),
    )


def _account_id(services: Services, export: Export) -> str:
    """The known account of the export's connection; blank if unknown."""
    with suppress(ExportError):
        account = services.catalog.connection(export.connection).account
        return account.id if account is not None else ""
    return ""


def _subscriptions(
    services: Services, plan: Plan, compared: Compared, selection: Selection
) -> tuple[int, int]:
    """How many people the run would subscribe if Klaviyo confirms everybody, and how many it could not."""
    pinned, began = plan.ledger, services.clock.now()
    if plan.export.consent is None or compared.full or pinned is None or not pinned.is_whole:
        return 0, 0
    consents = Consents(pinned, compared.ledger, compared.known, compared.digests, began)
    met, found = DigestSet(), Counter[bool]()
    for row in consents_in(services, plan, compared.digests):
        if selection.has(row.person) and met.add(row.person) and consents.is_due(row):
            found[consents.is_past(row)] += 1
    return found[True], found[False]


def _removal_requests(people: int) -> int:
    return -(-people // MOST_ADDRESSES) + -(-people // MOST_REMOVED)


def fields_of(export: Export) -> list[str]:
    """The parts of a profile that are sent, by Klaviyo's names."""
    properties = [source.name or source.column for source in export.attributes.properties]
    consent = ["subscriptions.email"] if export.consent is not None else []
    return ["email", *export.attributes.sources, *(f"properties.{name}" for name in properties), *consent]
