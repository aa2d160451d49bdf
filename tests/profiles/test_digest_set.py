"""A set of digests is a set."""

from hypothesis import given
from hypothesis import strategies as st

from shared.profiles.digest_set import DigestSet
from shared.profiles.digests import PERSON

# Few bytes, so that digests share beginnings, and begin within one another.
DIGESTS = st.lists(st.sampled_from([0, 1]), min_size=PERSON, max_size=PERSON).map(bytes)


@given(added=st.lists(DIGESTS, max_size=40), asked=st.lists(DIGESTS, max_size=20))
def test_it_has_what_was_added(added: list[bytes], asked: list[bytes]) -> None:
    """However the digests overlap."""
    found, expected = DigestSet(), set[bytes]()
    for digest in added:
        assert (digest in found) == (digest in expected)
        assert found.add(digest) == (digest not in expected)
        expected.add(digest)

    assert [digest in found for digest in asked] == [digest in expected for digest in asked]
    joined = found.joined()
    digests = [joined[start : start + PERSON] for start in range(0, len(joined), PERSON)]
    assert sorted(digests) == sorted(expected)
    assert len(found) == len(expected)


def test_the_end_of_one_and_the_beginning_of_another_are_none() -> None:
    """Of two digests with the same two bytes in front, side by side."""
    first, second = (bytes(blank) + bytes(range(1, PERSON - blank + 1)) for blank in (3, 2))
    found = DigestSet()
    for digest in (first, second):
        found.add(digest)
    overlap = (first + second)[1 : 1 + PERSON]

    assert overlap[:2] == first[:2]
    assert overlap not in (first, second)
    assert overlap not in found
    assert found.add(overlap)
    assert overlap in found
