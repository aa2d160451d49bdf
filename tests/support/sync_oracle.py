"""What a sync must and may do, in plain sets: written from the contract, without the code that it judges.

It sees what an outsider sees: documents, rows, records, what was posted, who was taken off, and the list.
Of whom it can't know anything certain it demands nothing, and forbids all the same what is forbidden.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.people import COLUMNS, People, Row, email

type Kind = Literal["plain", "other", "filtered", "refused", "twice"]
# Bytes: more than a profile may have.
TOO_LARGE = "x" * 110_000
# So few may always be removed, whatever their share is.
ALWAYS_ALLOWED = 5
ADD_UP = ("rejected", "filtered", "duplicates", "unchanged", "sent")
HELD = {"removals_held", "removals_pending", "removals_unmatched"}


@dataclass(frozen=True)
class Document:
    """What a document says: `fields` is one of two mappings, `filters` whether there is a condition."""

    mode: str = "mirror"
    fields: int = 0
    filters: bool = True
    list_id: str = "Y6nRLr"


@dataclass(frozen=True)
class Rows:
    """A snapshot: what each person's row is like, and whether there is a row that may be anybody's."""

    kinds: Mapping[int, Kind]
    broken: bool

    def lines(self) -> list[Row]:
        rows = [line for who, kind in sorted(self.kinds.items()) for line in _lines(who, kind)]
        return [*rows[:1], (rows[0][0] if rows else "?",), *rows[1:]] if self.broken else rows

    def leave(self, document: Document) -> set[int]:
        """Who has a row that may leave."""
        kept = {"plain", "other", "twice"} | (set() if document.filters else {"filtered"})
        return {who for who, kind in self.kinds.items() if kind in kept}

    def here(self, document: Document) -> set[int]:
        """Who has not left the segment."""
        return self.leave(document) | {who for who, kind in self.kinds.items() if kind == "refused"}


def _lines(who: int, kind: Kind) -> list[Row]:
    (person,) = People(1, start=who)
    cells = dict(zip(COLUMNS, person, strict=True)) | {"FirstName": "Ada", "Gender": "yes"}
    match kind:
        case "other":
            cells["FirstName"] = "Grace"
        case "filtered":
            cells["Gender"] = "no"
        case "refused":
            cells["FirstName"] = TOO_LARGE
    row = tuple(cells.values())
    return [row, row] if kind == "twice" else [row]


def payload(who: int, kind: Kind, document: Document, export: str) -> dict[str, Any]:
    """What is sent of a person."""
    cells = dict(zip(COLUMNS, _lines(who, kind)[0], strict=True))
    sent: dict[str, Any] = {"email": email(who), "first_name": cells["FirstName"]}
    if document.fields:
        sent["location"] = {"city": cells["City"]}
    return sent | {"properties": {export: cells["LastName"]}}


@dataclass
class Run:
    """A run, from its pinning on. `posted` has each post of each person, with its job."""

    id: str
    document: Document
    rows: Rows
    request: Mapping[str, Any]
    known: frozenset[int]
    is_whole: bool
    posted: dict[int, list[tuple[dict[str, Any], str]]] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    is_disturbed: bool = False


@dataclass
class Side:
    """An export, and what it must know.

    Whom it has posted is `known` to its ledger, and `certain` is what Klaviyo has of them for certain; `left`
    are those who were not in the last segment that it went through, `maybe_left` also those of a run that
    ended early; `marked` have left the list by themselves. `is_lost` where it has no ledger.
    """

    id: str
    segment: str
    document: Document = Document()
    kinds: dict[int, Kind] = field(default_factory=dict)
    broken: bool = False
    list_id: str = "Y6nRLr"
    known: set[int] = field(default_factory=set)
    certain: dict[int, dict[str, Any]] = field(default_factory=dict)
    left: set[int] = field(default_factory=set)
    maybe_left: set[int] = field(default_factory=set)
    marked: set[int] = field(default_factory=set)
    ever: set[tuple[str, int]] = field(default_factory=set)
    is_lost: bool = False
    losses: int = 0
    runs: dict[str, Run] = field(default_factory=dict)
    closed: dict[str, dict[str, Any]] = field(default_factory=dict)

    def rows(self) -> Rows:
        return Rows(dict(self.kinds), self.broken)

    def wants(self, who: int, list_id: str) -> bool:
        """Whether another export must leave the person on this list."""
        return self.may_want(who, list_id) and not (self.document.mode == "mirror" and who in self.maybe_left)

    def may_want(self, who: int, list_id: str) -> bool:
        """Whether it may."""
        is_here = list_id == self.list_id == self.document.list_id
        return is_here and who in self.known and not (self.document.mode == "mirror" and who in self.left)

    def lose(self) -> None:
        """Nobody can tell any more whom it has sent."""
        self.known, self.certain, self.is_lost = set(), {}, True
        self.left, self.maybe_left, self.marked = set(), set(), set()
        self.losses += 1
        for run in self.runs.values():
            run.is_whole = False

    def begin(self, run: Run) -> None:
        if run.document.list_id != self.list_id:
            self.lose()
            self.list_id = run.document.list_id
        run.known = frozenset(self.known)
        run.is_whole = True
        self.runs[run.id] = run
        if run.request.get("full"):
            self.certain.clear()
        if run.request.get("readd"):
            self.certain.clear()
            self.marked.clear()

    def post(self, run: Run, who: int, sent: dict[str, Any], job: str) -> None:
        is_wanted_again = run.request.get("full") or not run.is_whole or self.is_lost
        if not is_wanted_again and not any(sent == before for before, _ in run.posted.get(who, ())):
            assert self.certain.get(who) != sent, f"{who} was sent the same again"
        assert who not in self.marked, f"{who} has left the list and was sent again"
        assert who in run.rows.leave(run.document), f"{who} has no row that may leave"
        run.posted.setdefault(who, []).append((sent, job))
        self.ever.add((run.document.list_id, who))
        if run.is_whole:
            self.known.add(who)
        self.certain.pop(who, None)
        self.left.discard(who)
        self.maybe_left.discard(who)

    def close(
        self, run: Run, record: dict[str, Any], failed: Mapping[str, Iterable[int]], off: set[int]
    ) -> None:
        """The run has ended; `failed` are those whom its complete jobs could not import, `off` those whom
        somebody has taken off the list."""
        self.closed[run.id] = record
        is_complete = _is_complete(run, record)
        if run.request.get("reconcile") and run.is_whole and is_complete and not run.is_disturbed:
            self.marked |= off & self.certain.keys() - run.posted.keys()
        for who, posts in run.posted.items():
            is_same = all(sent == posts[0][0] for sent, _ in posts)
            is_in = is_same and any(who not in failed[job] for _, job in posts if job in failed)
            if is_in and run.is_whole and not run.is_disturbed:
                self.certain[who] = posts[0][0]
        if run.is_whole and not run.request.get("limit"):
            self.maybe_left |= self.known - run.rows.here(run.document)
            if run.document.mode == "mirror":
                for who in self.maybe_left:
                    self.certain.pop(who, None)
        if run.is_whole and is_complete:
            self.is_lost = False
            self.left = self.known - run.rows.here(run.document)
            self.maybe_left = set(self.left)


def _is_complete(run: Run, record: dict[str, Any]) -> bool:
    return record["status"] in ("successful", "completed_with_warnings") and not run.request.get("limit")


def check_counts(run: Run, record: dict[str, Any]) -> None:
    """They add up, and are those of the rows."""
    counts, codes = record["counts"], {warning["code"] for warning in record["warnings"]}
    settled = ("imported", "failed", "unconfirmed")
    assert counts["sent"] == sum(counts[name] for name in settled), counts
    assert counts["new"] + counts["changed"] <= counts["sent"], counts
    if not run.is_disturbed:
        assert counts["removed"] == len(run.removed), (counts["removed"], run.removed)
    if _is_complete(run, record):
        assert counts["rows"] == sum(counts[name] for name in ADD_UP), counts
        lines = run.rows.lines()
        assert counts["rows"] == len(lines)
        kinds = list(run.rows.kinds.values())
        assert counts["filtered"] == (kinds.count("filtered") if run.document.filters else 0)
        assert counts["duplicates"] == kinds.count("twice")
        assert ("empty_segment" in codes) == (counts["sent"] + counts["unchanged"] == 0)


def check_removed(run: Run, side: Side) -> None:
    """Nobody was taken off who must not be."""
    if not run.removed:
        return
    who_of = {email(who): who for who in range(100)}
    assert run.document.mode == "mirror"
    assert not run.request.get("limit")
    assert not run.rows.broken, "a row may be anybody's"
    here, confirmed = run.rows.here(run.document), run.request.get("confirmed")
    for address in run.removed:
        who = who_of.get(address)
        if who is None:
            assert address.startswith("moved"), f"the stranger {address} was taken off"
            continue
        assert who not in here, f"{who} is in the segment and was taken off"
        assert (run.document.list_id, who) in side.ever, f"{who} was never sent and was taken off"
    if confirmed is None:
        assert run.rows.leave(run.document), "the segment has nobody who passes"
        assert len(run.removed) <= max(ALWAYS_ALLOWED, len(side.ever) / 5)
    else:
        assert len(run.removed) <= confirmed
