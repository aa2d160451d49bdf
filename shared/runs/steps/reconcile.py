"""Reads the list's members, and finds people who were sent but are no longer on it."""

from collections.abc import Iterator
from itertools import batched

from shared.errors import TryLater
from shared.klaviyo import InvalidCursor, Person
from shared.ledger import People
from shared.profiles import Digests
from shared.runs.holder import Holder
from shared.runs.steps.addresses import addresses_in
from shared.runs.steps.asking import Asking
from shared.runs.steps.known import digests_of
from shared.runs.steps.parts import Absent, Parts

# Members per part (each part is a checkpoint), and people who are looked up at once.
MOST_AT_ONCE = 1_000


def reconcile(holder: Holder) -> bool:
    """Stores who is on the list, and who of the ledger is not; False if time runs out first."""
    klaviyo, digests, pinned = holder.klaviyo(), digests_of(holder), holder.plan.ledger
    people = holder.read_ledger(pinned.name).people if pinned and pinned.name else People()
    asking = Asking(klaviyo, holder.plan.export.list_id, digests, holder.deadline)
    reading = _Reading(holder, asking, people)
    is_complete = (holder.run.members.is_read or reading.read_members()) and reading.find_absent(digests)
    if is_complete:
        holder.run.finish_reading()
    return is_complete


class _Reading:
    def __init__(self, holder: Holder, asking: Asking, people: People) -> None:
        self._holder = holder
        self._run = holder.run
        self._asking = asking
        self._people = people
        self._parts = Parts(holder.lock)

    def read_members(self) -> bool:
        """Reads the members. Each thousand is a part, from which any holder can continue."""
        cursor, found = self._parts.read_cursor(), list[Person]()
        try:
            for page in self._asking.members(cursor):
                found += page.members
                cursor = page.cursor
                is_over = self._holder.deadline.left() <= 0
                if cursor is not None and (is_over or len(found) >= MOST_AT_ONCE):
                    self._keep(found, cursor)
                    if is_over:
                        return False
        except TryLater:
            if cursor is not None:
                self._keep(found, cursor)
            raise
        except InvalidCursor:
            self._parts.remove_cursor()
            self._run.read_members_again()
            return self.read_members()
        self._keep(found, None)
        return True

    def _keep(self, found: list[Person], cursor: str | None) -> None:
        members = [(self._asking.person(member), member.id) for member in found]
        self._parts.write_members(self._run.members.parts, members)
        if cursor is None:
            self._parts.remove_cursor()
        else:
            self._parts.write_cursor(cursor)
        self._run.keep_members(len(found), is_last=cursor is None)
        found.clear()
        self._holder.lock.checkpoint()
        self._holder.deadline.progress()

    def find_absent(self, digests: Digests) -> bool:
        """Looks up people who were certainly sent and whose address is not among the members': they may be
        members whose profile shows another address."""
        people = self._people
        marks = bytearray(len(people))
        for person, _ in self._parts.members(self._run.members.parts):
            number = people.find(person)
            if number >= 0:
                marks[number] = 1
        missing = {
            people.person(number)
            for number in range(len(people))
            if not marks[number] and people.is_imported(number)
        }
        back = [people.person(n) for n in range(len(people)) if marks[n] and people.is_off(n)]
        done = self._parts.absent(self._run.members.absent_parts)
        missing -= {bytes.fromhex(person) for part in done for person in (*part.absent, *part.matched)}
        for chunk in batched(self._addressed(missing, digests), MOST_AT_ONCE, strict=False):
            self._look_up(dict(chunk))
            missing.difference_update(person for person, _ in chunk)
            if self._holder.deadline.left() <= 0:
                return False
        # No snapshot has their address any more: they are not on the list under it.
        rest = [person.hex() for person in missing]
        self._keep_absent(Absent(absent=rest, unexplained=len(rest), back=[person.hex() for person in back]))
        return True

    def _addressed(self, people: set[bytes], digests: Digests) -> Iterator[tuple[bytes, str]]:
        sought, holder = set(people), self._holder
        for posted in (holder.plan.posted(), *holder.lock.head.posted):
            if not sought:
                return
            for person, address in addresses_in(holder.services, posted, digests.person):
                if person in sought:
                    sought.remove(person)
                    yield person, address

    def _look_up(self, addresses: dict[bytes, str]) -> None:
        profiles = self._asking.profiles_among(addresses.values())
        primary = {self._asking.person(profile) for profile in profiles}
        rest = {person: address for person, address in addresses.items() if person not in primary}
        part = Absent(absent=[person.hex() for person in addresses if person in primary])
        is_hidden = not primary <= addresses.keys()
        for person, address in rest.items():
            found = self._asking.profiles_among([address]) if is_hidden else []
            shown = [profile.email for profile in found if profile.email]
            members = [profile for profile in self._asking.members_among(shown) if profile in found]
            if members:
                part.matched[person.hex()] = members[0].id
            else:
                part.absent.append(person.hex())
                part.unexplained += not found
        self._keep_absent(part)

    def _keep_absent(self, part: Absent) -> None:
        self._parts.write_absent(self._run.members.absent_parts, part)
        self._run.keep_absent()
        self._holder.lock.checkpoint()
        self._holder.deadline.progress()
