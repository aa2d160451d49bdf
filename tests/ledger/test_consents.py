"""What is kept of consents when a run closes."""

from collections.abc import Iterable

from shared.ledger import People, still_former, with_consents
from shared.ledger.people import LEFT, NEVER, VOID, WAITING
from shared.profiles.digests import MOMENT, PERSON

A, B, C, D = (bytes([number]) * PERSON for number in range(1, 5))
OLD, NEW = b"o" * MOMENT, b"n" * MOMENT
type Entry = tuple[bytes, int, bytes]


def people(*entries: Entry) -> People:
    return People(b"".join(person + VOID + bytes([flags]) + moment for person, flags, moment in entries))


def entries_of(found: People) -> list[Entry]:
    flags = [found.entry(number)[PERSON + len(VOID)] for number in range(len(found))]
    return [(found.person(number), flags[number], found.moment(number)) for number in range(len(found))]


def consents(
    after: People,
    *,
    before: Iterable[Entry] = (),
    former: Iterable[Entry] = (),
    looked_at: dict[bytes, bytes] | None = None,
) -> list[Entry]:
    return entries_of(with_consents(people(*before), people(*former), after, looked_at or {}))


def test_a_used_consent_is_kept_and_nobody_waits_for_it_any_more() -> None:
    """Also of whom it had none; who was not looked at stays as before."""
    after = people((A, WAITING, NEVER), (B, WAITING | LEFT, OLD), (C, WAITING, OLD))

    found = consents(after, looked_at={A: NEVER, B: NEW, D: NEW})

    assert found == [(A, 0, NEVER), (B, LEFT, NEW), (C, WAITING, OLD)]


def test_who_is_back_has_the_consent_of_before() -> None:
    """As used as it was; unless another one is used now."""
    after = people((A, WAITING, NEVER), (B, WAITING, NEVER), (C, 0, OLD))
    former = ((A, 0, OLD), (B, WAITING, NEVER), (C, 0, NEW), (D, 0, OLD))

    assert consents(after, before=[(C, 0, OLD)], former=former) == [
        (A, 0, OLD),
        (B, WAITING, NEVER),
        (C, 0, OLD),
    ]
    assert consents(after, former=former, looked_at={A: NEW})[0] == (A, 0, NEW)


def test_who_is_gone_is_not_forgotten() -> None:
    """Until they are back; where nobody is subscribed any more, only those who were."""
    before, former = people((A, 0, OLD), (B, LEFT, NEVER)), people((C, 0, OLD), (D, 0, OLD))
    after = people((D, 0, OLD))

    every = still_former(before, former, after, {A, B}, subscribes=True)
    some = still_former(before, former, after, {A, B}, subscribes=False)

    assert entries_of(every) == [(A, 0, OLD), (B, LEFT, NEVER), (C, 0, OLD)]
    assert entries_of(some) == [(A, 0, OLD), (C, 0, OLD)]
