"""Which ledger a run compares with: a table of what is there, what is pinned, and what is said of it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from shared.errors import NewerVersion
from shared.ledger import DigestKey, Ledger, LedgerHeader, LedgerLost, People
from shared.ledger.people import WIDTH
from shared.runs.heads.head import Head, LastRun
from shared.runs.plan import PinnedLedger
from shared.runs.steps.compare import choose_ledger
from tests.support.open_runs import NOW, PLAN
from tests.support.world import MONDAY

NAME = "ledgers/vip/vip.20260824T143300Z-0000.3"
KEY = DigestKey("ab12", b"k" * 32)
HEADER = LedgerHeader(
    export="vip",
    account=PLAN.account_id,
    list=PLAN.export.list_id,
    key=KEY.id,
    mapping=PLAN.mapping().fingerprint(),
)
SENT = LastRun(run="vip.20260824T143300Z-0000", status="successful", finished_at=NOW)
LOST = PinnedLedger(key=KEY.id)
BEGUN = PinnedLedger(key=KEY.id, is_whole=True)
KNOWN = PinnedLedger(key=KEY.id, name=NAME, is_whole=True)


class Case(NamedTuple):
    """What is there: a ledger of two people unless told, and a run that was sent."""

    ledger: str | None = NAME
    was_sent: bool = True
    was_posted: bool = False
    key: DigestKey | None = KEY
    header: Mapping[str, Any] = MappingProxyType({})
    is_whole: bool = True
    full: bool = False
    sync: Mapping[str, Any] = MappingProxyType({})


def choose(case: Case) -> tuple[PinnedLedger | None, dict[str, int]]:
    def read(name: str) -> Ledger:
        assert name == NAME
        if not case.is_whole:
            raise LedgerLost(name)
        entries = b"".join(bytes([number]) * WIDTH for number in (1, 2))
        return Ledger(HEADER.model_copy(update=case.header), People(entries))

    head = Head(
        export="vip",
        scheduled_at=MONDAY,
        ledger=case.ledger,
        last_success=SENT if case.was_sent else None,
        has_sent=case.was_posted,
    )
    sync = PLAN.export.sync.model_copy(update=case.sync)
    plan = PLAN.model_copy(update={"export": PLAN.export.model_copy(update={"sync": sync})})
    warned: dict[str, int] = {}
    return choose_ledger(plan, head, case.key, read, warned.__setitem__, full=case.full), warned


@pytest.mark.parametrize(
    ("case", "pinned", "warned"),
    [
        (Case(), KNOWN, {}),
        (Case(full=True), KNOWN.model_copy(update={"everybody": True}), {}),
        (Case(sync={"changed_only": False}), KNOWN.model_copy(update={"everybody": True}), {}),
        (Case(header={"mapping": "old"}), KNOWN.model_copy(update={"is_remapped": True}), {}),
        (Case(ledger=None, was_sent=False), BEGUN, {}),
        (Case(ledger=None, was_sent=False, full=True), BEGUN.model_copy(update={"everybody": True}), {}),
        (Case(ledger=None), LOST, {"ledger_lost": 1}),
        (Case(ledger=None, was_sent=False, was_posted=True), LOST, {"ledger_lost": 1}),
        (Case(is_whole=False), LOST, {"ledger_lost": 1}),
        (Case(header={"export": "other"}), LOST, {"ledger_lost": 1}),
        (Case(header={"key": "cd34"}), LOST, {"ledger_lost": 1}),
        (Case(header={"key": "cd34", "list": "Others"}), LOST, {"ledger_lost": 1}),
        (Case(header={"list": "Others"}), LOST, {"old_list_kept": 2}),
        (Case(header={"account": "OTHER1"}), LOST, {"old_list_kept": 2}),
        (Case(key=None), None, {"no_ledger": 1}),
        (Case(key=None, ledger=None, was_sent=False), None, {"no_ledger": 1}),
    ],
    ids=str,
)
def test_the_ledger_is_chosen_by_what_is_there(
    case: Case, pinned: PinnedLedger | None, warned: dict[str, int]
) -> None:
    """One of this export, account, list and key; else a new one, and what that means is said."""
    assert choose(case) == (pinned, warned)


def test_a_ledger_of_newer_code_is_left_alone() -> None:
    """The run waits, as with a head of newer code."""

    def read(name: str) -> Ledger:
        raise NewerVersion(name)

    head = Head(export="vip", scheduled_at=MONDAY, ledger=NAME)
    with pytest.raises(NewerVersion):
        choose_ledger(PLAN, head, KEY, read, lambda *_: None, full=False)
