"""The people that a run knows, from the ledger that it compares with and from the list's members."""

from shared.ledger import DigestKey, LedgerLost, People, read_key
from shared.profiles import Digests
from shared.runs.holder import Holder
from shared.runs.plan import Plan
from shared.runs.steps.parts import Parts


def known_people(holder: Holder) -> People:
    """The people sent by earlier runs; those who have left the list by themselves since are marked.

    Raises LedgerLost; PermanentError if the parts can't be read.
    """
    run, pinned = holder.run, holder.plan.ledger
    if pinned is None or pinned.name is None:
        return People()
    people = holder.read_ledger(pinned.name).people
    if not run.reconcile:
        return people
    parts = Parts(holder.lock).absent(run.members.absent_parts)
    off = (bytes.fromhex(person) for part in parts for person in part.absent)
    back = (bytes.fromhex(person) for part in parts for person in part.back)
    return people.marked(off, back, readd=run.readd)


def digests_of(holder: Holder) -> Digests:
    """Digests under the key that the run began with. Raises LedgerLost if it has changed or is missing."""
    return digests_under(holder.plan, read_key(holder.services.vault))


def digests_under(plan: Plan, key: DigestKey | None) -> Digests:
    """Digests under this key. Raises LedgerLost if it is not the one that the run began with."""
    if key is None or key.id != plan.digest_key:
        raise LedgerLost("The digest key has changed since the run began.")
    return Digests(key.key)
