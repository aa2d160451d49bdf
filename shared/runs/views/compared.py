"""The data that a run would compare the rows with if it began now; nothing is written."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial

from shared import state
from shared.errors import NotFound, VaultUnavailable
from shared.ledger import Ledger, People, expected_key, read_erased, read_ledger
from shared.profiles import UNKEYED, Digests
from shared.runs.heads.head import Head, read_head
from shared.runs.plan import Plan
from shared.runs.steps.compare import Warn, choose_ledger
from shared.services import Services


@dataclass(frozen=True, slots=True)
class Compared:
    """The ledger that the run would compare with, if there is one, and the erased people. A `full` run sends
    everybody; `rows_before` counts each segment's rows in the previous run."""

    digests: Digests = UNKEYED
    ledger: Ledger | None = None
    erased: frozenset[bytes] = frozenset()
    full: bool = False
    rows_before: Mapping[str, int] = field(default_factory=dict)

    @property
    def known(self) -> People:
        """The people who were sent before."""
        return self.ledger.people if self.ledger is not None else People()


def compare(services: Services, plan: Plan, warn: Warn, *, full: bool, is_trial: bool) -> Compared:
    """Chooses the plan's ledger as a run would; `warn` receives the warnings that the run would have."""
    key, read = None, cache(partial(read_ledger, services.state))
    is_one_file, listed = state.is_of_one_file(plan.export.id), read_erased(services.state)
    erased: frozenset[bytes] = frozenset()
    if is_one_file and listed is None:
        return Compared(full=full)
    with suppress(VaultUnavailable):
        key = expected_key(services.vault, services.state)
        if listed is not None:
            listed.check(key)
            erased = frozenset(listed.people)
    digests = Digests(key.key) if key is not None else UNKEYED
    if is_one_file:
        return Compared(digests, erased=erased, full=full)
    try:
        head, _ = read_head(services.state, plan.export.id)
    except NotFound:
        head = Head(export=plan.export.id, scheduled_at=services.clock.now())
    full |= not is_trial and head.is_full_due(plan.export, services.clock.now())
    pinned = plan.ledger = choose_ledger(plan, head, key, read, warn, full=full)
    ledger = read(pinned.name) if pinned is not None and pinned.name else None
    return Compared(digests, ledger, erased, full, head.rows)
