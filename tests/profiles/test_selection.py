"""One pass over the rows: what leaves, what doesn't, and the account of it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from shared.klaviyo import PROFILE_FORMAT
from shared.profiles import Condition, Mapper, Profile, Rejected, Selection
from shared.profiles.digests import UNKEYED
from tests.support.rows import COLUMNS, MAPPING, cells


def select(rows: list[list[str] | str]) -> tuple[list[Profile], list[Rejected], Selection]:
    """What leaves, what is refused, and the counts; only consenting rows leave."""
    condition = Condition("Newsletter consent", frozenset({"True"}))
    mapper = Mapper(replace(MAPPING, only_if=condition), COLUMNS, PROFILE_FORMAT)
    rejected: list[Rejected] = []
    selection = Selection(rejected.append)
    numbered = [(3, number, row) for number, row in enumerate(rows, 1)]
    return list(selection.profiles(numbered, mapper)), rejected, selection


def test_every_row_is_accounted_for() -> None:
    """Profiles, refused, filtered and duplicate rows are all of them, each refused one with its place."""
    profiles, rejected, selection = select(
        [
            cells(),
            cells(EMail=""),
            cells(**{"Newsletter consent": "False"}),
            "broken_row",
            cells(EMail=" ABBIE.MOSS@example.org"),
            cells(EMail="grace@example.org"),
        ]
    )

    assert [(profile.partition, profile.row) for profile in profiles] == [(3, 1), (3, 6)]
    assert rejected == [Rejected(3, 2, "EMail", "missing_email"), Rejected(3, 4, "", "broken_row")]
    assert selection.rejected_by_reason == {"missing_email": 1, "broken_row": 1}
    assert (selection.rows, selection.rejected, selection.filtered, selection.duplicates) == (6, 2, 1, 1)


def test_the_first_of_a_person_stays_across_segments() -> None:
    """One selection goes over all segments of an export, and a person leaves once."""
    mapper = Mapper(MAPPING, COLUMNS, PROFILE_FORMAT)
    selection = Selection(lambda _: None)

    first = list(selection.profiles([(0, 1, cells(City="Fairfield"))], mapper))
    second = list(selection.profiles([(1, 1, cells(City="Austin"))], mapper))

    assert b"Fairfield" in first[0].payload
    assert second == []
    assert selection.duplicates == 1


def test_a_refused_row_does_not_hide_a_later_good_one() -> None:
    """Duplicates are looked for after the checks: a person's bad row doesn't cost the good one."""
    profiles, _, selection = select([cells(CustomerId="x" * 256), cells()])

    assert [profile.row for profile in profiles] == [2]
    assert selection.duplicates == 0


def test_warnings_are_counted_for_who_leaves() -> None:
    """A duplicate's missing phone is nobody's loss, so it isn't counted."""
    _, _, selection = select(
        [
            cells(Telephone="unknown"),
            cells(Telephone="unknown"),
            cells(EMail="grace@example.org", Telephone="unknown", RewardPoints="?"),
        ]
    )

    assert selection.warnings == {"phone_left_out": 2, "value_sent_as_text": 1}


@given(st.lists(st.sampled_from(["A@example.org", "a@example.org", "b@example.org", "", "x"]), max_size=20))
def test_the_counts_add_up_whatever_the_rows(emails: list[str]) -> None:
    """rows = leaving + refused + filtered + duplicates, and each address leaves exactly once."""
    profiles, rejected, selection = select([cells(EMail=email) for email in emails])

    assert [profile.person for profile in profiles] == list(
        dict.fromkeys(UNKEYED.person(email) for email in emails if "@" in email)
    )
    assert len(rejected) == selection.rejected
    assert selection.rows == len(profiles) + len(rejected) + selection.filtered + selection.duplicates
