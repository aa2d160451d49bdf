"""The stand-in Klaviyo's members, compared with a plain dictionary."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from sandbox.klaviyo.members import Members

NUMBERS = st.integers(0, 9)
CHANGES = st.lists(st.tuples(st.sampled_from(["add", "discard", "replace"]), NUMBERS, NUMBERS), max_size=60)


@given(changes=CHANGES, page=st.integers(1, 4))
def test_members_are_as_in_a_plain_dictionary(changes: list[tuple[str, int, int]], page: int) -> None:
    """After people join, leave, come back and are merged, the members, their order and times are right."""
    members, plain = Members(), dict[int, float]()
    for time, (change, number, other) in enumerate(changes):
        if change == "add":
            members.add([number, other], time)
            plain |= {new: time for new in (number, other) if new not in plain}
        elif change == "discard":
            members.discard(number)
            plain.pop(number, None)
        elif number != other:
            members.replace(number, other)
            swap = {number: other} if number in plain and other not in plain else {}
            plain = {swap.get(key, key): at for key, at in plain.items() if key in swap or key != number}

    assert list(members) == list(plain)
    assert len(members) == len(plain)
    assert [number in members for number in range(10)] == [number in plain for number in range(10)]
    assert {number: members.joined(number) for number in plain} == plain
    for descending, expected in ((False, list(plain)), (True, list(plain)[::-1])):
        assert walk(members, page, descending=descending) == expected


def test_a_clock_that_goes_back_leaves_the_order() -> None:
    """Times of joining never fall, so that a moment parts the members in two."""
    members = Members()
    for number, time in enumerate((1.0, 3.0, 2.0, 4.0)):
        members.add([number], time)
    assert [members.joined(number) for number in members] == [1.0, 3.0, 3.0, 4.0]


def walk(members: Members, page: int, *, descending: bool) -> list[int]:
    """All numbers, so many at a time."""
    numbers: list[int] = []
    place = None
    while True:
        found = list(islice(members.after(place, descending=descending), page))
        if not found:
            return numbers
        numbers += [number for _, number in found]
        place = found[-1][0]
