"""Finds the people who left among the list's members, and removes them, a chunk at a time.

Each chunk's outcome is stored before it is carried out. If a holder dies, the next one repeats the chunk:
removing people who are not on the list changes nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import batched

from shared.errors import Changed, InvalidSegment, NotFound, PermanentError, TryLater
from shared.klaviyo import MOST_REMOVED, InvalidCursor, Klaviyo, MembersChanged, Permit, Person
from shared.ledger import People, Posted
from shared.profiles import Digests
from shared.profiles.digest_set import DigestSet
from shared.runs.holder import Holder
from shared.runs.removal import Removal
from shared.runs.steps.addresses import addresses_in
from shared.runs.steps.again import external_ids_in
from shared.runs.steps.asking import Asking
from shared.runs.steps.others import Others
from shared.runs.steps.parts import Chunk, Parts
from shared.runs.steps.permit import NewerSnapshot


class Leavers:
    """The people who left the segment, for the run's holder. `here` are people whose rows were refused."""

    def __init__(
        self,
        holder: Holder,
        removal: Removal,
        klaviyo: Klaviyo,
        permit: Permit,
        digests: Digests,
        others: Others,
        left: set[bytes],
        here: set[bytes],
    ) -> None:
        self._holder = holder
        self._removal = removal
        self._klaviyo = klaviyo
        self._permit = permit
        self._digests = digests
        self._others = others
        self._left = left
        self._here = here
        self._parts = Parts(holder.lock)
        self._list = holder.plan.export.list_id
        self._has_external_ids = "external_id" in holder.plan.export.attributes.sources
        self._asking = Asking(
            klaviyo, self._list, digests, holder.deadline, external_ids=self._has_external_ids
        )

    def remove(self, people: set[bytes]) -> bool:
        """Removes these of them; False if time runs out first. At least one chunk is done."""
        deadline = self._holder.deadline
        pending = people - self._settled(people)
        for chunk in batched(self._addressed(pending), MOST_REMOVED, strict=False):
            self._settle(dict(chunk))
            pending.difference_update(person for person, _ in chunk)
            if deadline.left() <= 0:
                return False
        return not pending or self._find_members(pending)

    def _settled(self, people: set[bytes]) -> set[bytes]:
        """The people whose outcome is known.

        First finishes the chunk of an earlier holder, without people whom another export wants by now.
        """
        settled: set[bytes] = set()
        begun = self._removal.chunks
        for number in range(begun + 1):
            with suppress(PermanentError):  # its people are looked up again
                chunk = self._parts.read_chunk(number)
                if chunk is None:
                    continue
                if number == begun:
                    chunk = chunk.only(people)
                    self.carry_out(chunk)
                settled |= chunk.people()
        return settled

    def _addressed(self, people: set[bytes]) -> Iterator[tuple[bytes, str]]:
        """These people with their addresses, if a snapshot has them."""
        sought, holder = set(people), self._holder
        for posted in (*holder.lock.head.posted, holder.plan.posted()):
            if not sought:
                return
            for person, address in addresses_in(holder.services, posted, self._digests.person):
                if person in sought:
                    sought.remove(person)
                    yield person, address

    def _settle(self, addresses: dict[bytes, str]) -> None:
        """Finds these people on the list, and removes them."""
        found: dict[bytes, Person] = {}
        for member in self._asking.members_among(addresses.values()):
            person = self._asking.person(member)
            if person in addresses:
                found[person] = member
        missing = {person: address for person, address in addresses.items() if person not in found}
        chunk = self._explained(missing) if missing else Chunk()
        self._divide(chunk, found)
        self.carry_out(chunk)

    def _explained(self, missing: dict[bytes, str]) -> Chunk:
        """For people who are not on the list by their address: whether their profile has another address."""
        profiles = self._asking.profiles_among(missing.values())
        primary = {self._asking.person(profile) for profile in profiles}
        rest = {person: address for person, address in missing.items() if person not in primary}
        chunk = Chunk(absent=[person.hex() for person in missing if person in primary])
        if primary <= missing.keys():
            chunk.unmatched = [person.hex() for person in rest]
            return chunk
        for person, address in rest.items():
            self._explain(chunk, person, self._asking.profiles_among([address]))
        return chunk

    def _explain(self, chunk: Chunk, person: bytes, profiles: Sequence[Person]) -> None:
        """Adds the outcome of a person whose profiles show other addresses."""
        shown = [profile.email for profile in profiles if profile.email]
        members = [member for member in self._asking.members_among(shown) if member in profiles]
        if not profiles:
            chunk.unmatched.append(person.hex())
        elif not members:
            chunk.absent.append(person.hex())
        elif any(self._stays(self._asking.person(member)) for member in members):
            chunk.merged.append(person.hex())
        else:
            self._divide(chunk, {person: members[0]})

    def _divide(self, chunk: Chunk, found: dict[bytes, Person]) -> None:
        """Adds people with their profiles: one is removed unless it also belongs to someone who stays."""
        for person, profile in found.items():
            if profile.id in self._imported or self._has_id_of_others(profile):
                chunk.merged.append(person.hex())
            else:
                chunk.gone[person.hex()] = profile.id

    def _has_id_of_others(self, profile: Person) -> bool:
        """Whether a row to be sent has the profile's external id: Klaviyo merges people who share it."""
        return (
            profile.external_id is not None
            and self._digests.person(profile.external_id) in self._external_ids
        )

    def _find_members(self, people: set[bytes]) -> bool:
        """Looks for people without an address among the list's members; False if time runs out."""
        cursor, found = self._parts.read_cursor(), dict[bytes, Person]()
        try:
            for page in self._asking.members(cursor):
                for member in page.members:
                    person = self._asking.person(member)
                    if person in people:
                        found[person] = member
                cursor = page.cursor
                is_over = self._holder.deadline.left() <= 0
                if cursor is not None and (is_over or len(found) > MOST_REMOVED - len(page.members)):
                    self._flush(found, cursor)
                    if is_over:
                        return False
        except TryLater:
            if cursor is not None:
                self._flush(found, cursor)
            raise
        except InvalidCursor:
            self._parts.remove_cursor()
            return self._find_members(people)
        absent = [person.hex() for person in people - found.keys() - self._settled(people)]
        chunk = Chunk(absent=absent)
        self._divide(chunk, found)
        self.carry_out(chunk)
        return True

    def _flush(self, found: dict[bytes, Person], cursor: str) -> None:
        """Removes the people found so far, and stores where to continue."""
        chunk = Chunk()
        self._divide(chunk, found)
        self.carry_out(chunk)
        found.clear()
        self._parts.write_cursor(cursor)

    def carry_out(self, chunk: Chunk) -> None:
        """Stores the outcomes of a chunk, then removes its profiles from the list."""
        number = self._removal.chunks
        self._parts.write_chunk(number, chunk)
        refused = self._take_off(chunk.profiles())
        if refused:
            lost = [person for person, profile_id in chunk.gone.items() if profile_id in refused]
            for person in lost:
                del chunk.gone[person]
            chunk.unmatched += lost
            chunk.strangers = [each for each in chunk.strangers if each not in refused]
            self._parts.write_chunk(number, chunk)
        self._holder.run.finish_chunk(
            len(chunk.people()),
            removed=len(chunk.profiles()),
            merged_kept=len(chunk.merged),
            unmatched=len(chunk.unmatched),
        )
        self._holder.lock.checkpoint()
        self._holder.deadline.progress()

    def _take_off(self, profile_ids: list[str]) -> set[str]:
        """Removes the profiles; returns the ids that Klaviyo no longer knows."""
        if not profile_ids:
            return set()
        try:
            self._klaviyo.remove_from_list(self._list, profile_ids, self._holder.deadline, self._permit)
        except MembersChanged:
            if len(profile_ids) == 1:
                return set(profile_ids)
            half = len(profile_ids) // 2
            return self._take_off(profile_ids[:half]) | self._take_off(profile_ids[half:])
        return set()

    def strangers(self, matched: set[str]) -> Iterator[str]:
        """The profiles of members that no export has sent, except the `matched` ones."""
        parts, done = self._parts, set(matched)
        for number in range(self._removal.chunks):
            chunk = parts.read_chunk(number)
            done.update(chunk.profiles() if chunk is not None else ())
        for person, profile_id in parts.members(self._holder.run.members.parts):
            is_known = person in self._known or person in self._here or self._others.know(person)
            if not is_known and profile_id not in done and profile_id not in self._imported:
                yield profile_id

    def _stays(self, person: bytes) -> bool:
        """Whether the person with this address is to be on the list, by this export or another one."""
        is_here = person in self._here or (person not in self._left and person in self._known)
        return is_here or self._others.want(person)

    @cached_property
    def _known(self) -> "_Known":
        return _Known(self._holder)

    @cached_property
    def _external_ids(self) -> DigestSet:
        """Digests of the external ids of all rows that pass the condition."""
        try:
            return external_ids_in(self._holder.services, self._holder.plan, self._digests)
        except (Changed, NotFound, InvalidSegment):
            raise NewerSnapshot("The segment's files are no longer those of the run.") from None

    @cached_property
    def _imported(self) -> frozenset[str]:
        """The profiles of people who are new or have changed: if they share an external id with a person who
        left, Klaviyo has merged the two."""
        if not self._has_external_ids:
            return frozenset()
        jobs = [job for job in self._holder.run.deliveries.jobs if job.new or job.changed]
        ids: set[str] = set()
        for job in jobs:
            with suppress(NotFound):
                ids.update(self._klaviyo.job_profiles(job.id, self._holder.deadline))
        return frozenset(ids)


class _Known:
    """The people on the ledger or posted by the run."""

    def __init__(self, holder: Holder) -> None:
        pinned, parts = holder.plan.ledger, Parts(holder.lock)
        self._people = holder.read_ledger(pinned.name).people if pinned and pinned.name else People()
        self._posted: set[bytes] = set()
        for digest in parts.posted():
            self._posted.update(Posted(parts.read_people(digest), confirmed=False).people())

    def __contains__(self, person: bytes) -> bool:
        return person in self._posted or self._people.find(person) >= 0
