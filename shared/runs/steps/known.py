"""Whom a run knows, from the ledger that it compares with and from what the list's members showed."""

from shared.ledger import DigestKey, LedgerLost, People, read_key
from shared.profiles import Digests
from shared.runs.holder import Holder
from shared.runs.plan import Plan
from shared.runs.steps.parts import Parts


def known_people(holder: Holder) -> People:
    """Who was sent by earlier runs; who has left the list by themselves since is marked.

    Raises LedgerLost, and PermanentError where the parts can't be read.
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
    """Under the key that the run began with. Raises LedgerLost where it is another one, or gone."""
    return digests_under(holder.plan, read_key(holder.services.vault))


def digests_under(plan: Plan, key: DigestKey | None) -> Digests:
    """Under this key, which is to be the one that the run began with. Raises LedgerLost where it isn't."""
    if key is None or key.id != plan.digest_key:
        raise LedgerLost("The digest key has changed since the run began.")
    return Digests(key.key)
