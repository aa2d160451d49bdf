"""The record of consents: the one by which a person was last subscribed, and who is still to be subscribed.

It covers people who are off the list, too: someone who comes back is not new, and may have unsubscribed.
"""

from collections.abc import Collection, Mapping

from shared.ledger.people import ENTRY, NEVER, WAITING, WIDTH, People
from shared.profiles.digests import PERSON


def with_consents(before: People, former: People, after: People, looked_at: Mapping[bytes, bytes]) -> People:
    """The people after a run, with their known consents.

    `looked_at` are those who were subscribed, or could not be, with the hidden times of their consents.
    People who were among `former`, and not among those before, keep the consent that they had there.
    """
    if not (former or looked_at):
        return after
    entries = bytearray(after.entries)
    for number in range(len(former)):
        person = former.person(number)
        if (place := after.find(person)) >= 0 and before.find(person) < 0:
            entries[place * WIDTH + ENTRY] &= ~WAITING
            entries[place * WIDTH + ENTRY] |= WAITING * former.is_waiting(number)
            entries[place * WIDTH + ENTRY + 1 : (place + 1) * WIDTH] = former.moment(number)
    for person, moment in looked_at.items():
        if (place := after.find(person)) >= 0:
            entries[place * WIDTH + ENTRY] &= ~WAITING
            if moment != NEVER:
                entries[place * WIDTH + ENTRY + 1 : (place + 1) * WIDTH] = moment
    return People(bytes(entries))


def still_former(
    before: People, former: People, after: People, gone: Collection[bytes], *, subscribes: bool
) -> People:
    """The people who are no longer on the list: all who leave it if the export subscribes, otherwise those
    who were subscribed."""
    known = [former.entry(number) for number in range(len(former))]
    leaving = [before.entry(number) for person in gone if (number := before.find(person)) >= 0]
    known += (entry for entry in leaving if subscribes or entry[ENTRY + 1 :] != NEVER)
    return People(b"".join(sorted(entry for entry in known if after.find(entry[:PERSON]) < 0)))
