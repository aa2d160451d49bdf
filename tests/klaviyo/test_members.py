"""The members of a list: all of them in pages, some of them by address, and removed."""

from collections.abc import Callable, Iterable

import pytest

from sandbox.klaviyo import SCOPES, Fault, StandIn
from sandbox.klaviyo.jobs import Row
from shared.adapters.clock import Deadline
from shared.errors import Denied, ExportError, NotFound
from shared.klaviyo import (
    MOST_REMOVED,
    InvalidCursor,
    Klaviyo,
    KlaviyoApi,
    MembersChanged,
    MembersPage,
    Permit,
    Person,
)
from tests.support.world import LIST

REMOVAL = f"/api/lists/{LIST}/relationships/profiles"
permit = Permit()


def emails(count: int) -> list[str]:
    return [f"person-{number}@example.org" for number in range(count)]


def join(stand_in: StandIn, addresses: Iterable[str | None], list_id: str = LIST) -> list[str]:
    """Puts people on a list by hand and returns their ids."""
    account = stand_in.accounts["SNDBOX"]
    rows = [Row(email, None, None, None, []) for email in addresses]
    numbers = [account.profiles.upsert(row) for row in rows]
    account.lists[list_id].members.add(numbers, stand_in.clock())
    return [account.profiles[number].id for number in numbers]


def addresses(people: Iterable[Person]) -> list[str | None]:
    return [person.email for person in people]


def asked(stand_in: StandIn) -> list[tuple[str, str]]:
    """Method and path of each request after signing in."""
    return [(request.method, request.path) for request in stand_in.requests][1:]


def test_every_member_is_read(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """A hundred a page, each with the id and the address that it has; the last page has no cursor."""
    ids = join(stand_in, [*emails(249), None])

    pages = list(klaviyo.members(LIST, deadline))

    assert [len(page.members) for page in pages] == [100, 100, 50]
    assert [person.id for page in pages for person in page.members] == ids
    assert [email for page in pages for email in addresses(page.members)] == [*emails(249), None]
    assert [page.cursor is None for page in pages] == [False, False, True]
    assert asked(stand_in) == [("GET", f"/api/lists/{LIST}/profiles")] * 3


def test_another_process_continues_from_a_cursor(
    api: KlaviyoApi, klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline
) -> None:
    """Whatever page was the last one that somebody kept, all members after it are read, and no others."""
    join(stand_in, emails(330))
    pages = list(klaviyo.members(LIST, deadline))

    for number, page in enumerate(pages[:-1], 1):
        assert page.cursor is not None
        assert page.cursor.isascii()
        assert len(page.cursor) <= 1_000
        another = api.sign_in("pk_sandbox", deadline)
        assert list(another.members(LIST, deadline, page.cursor)) == pages[number:]


def test_a_page_is_read_when_it_is_needed(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """A caller that stops after a page has asked for no other."""
    join(stand_in, emails(201))

    next(klaviyo.members(LIST, deadline))

    assert len(asked(stand_in)) == 1


@pytest.mark.parametrize("cursor", ["", "é", "a b", "a\r\nx: y", "x" * 1_001])
def test_a_text_that_is_no_cursor_is_not_sent(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline, cursor: str
) -> None:
    """What a caller kept may be garbled."""
    with pytest.raises(InvalidCursor):
        next(klaviyo.members(LIST, deadline, cursor))

    assert asked(stand_in) == []


def test_a_cursor_that_klaviyo_refuses(klaviyo: Klaviyo, deadline: Deadline) -> None:
    """The caller hears that this cursor leads nowhere, and not that something is wrong with the request."""
    with pytest.raises(InvalidCursor, match="first page") as caught:
        next(klaviyo.members(LIST, deadline, "page%5Bcursor%5D=nonsense"))

    assert caught.value.code == "invalid_cursor"


def test_other_refusals_are_not_the_cursors(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """A first page that is refused has no cursor to blame, nor has a key without a scope."""
    fault = Fault("error", method="GET", status=400)
    stand_in.faults.add([fault])
    with pytest.raises(Denied) as refused:
        next(klaviyo.members(LIST, deadline))
    assert refused.value.code == "request_refused"

    stand_in.accounts["SNDBOX"].keys = {"pk_sandbox": SCOPES - {"lists:read"}}
    with pytest.raises(Denied, match="lists:read"):
        next(klaviyo.members(LIST, deadline, "page%5Bcursor%5D=bmV4dA"))


@pytest.mark.parametrize("cursor", ["../../accounts", "//example.org/", "https://example.org/?a=b", "#x"])
def test_a_cursor_leads_to_the_same_list(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline, cursor: str
) -> None:
    """Whatever somebody put into the place where a cursor is kept."""
    join(stand_in, emails(3))

    assert addresses(next(klaviyo.members(LIST, deadline, cursor)).members) == emails(3)

    assert asked(stand_in) == [("GET", f"/api/lists/{LIST}/profiles")]


def test_members_are_found_by_their_addresses(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline
) -> None:
    """Of those asked for, the ones on the list, a hundred addresses a request, each of them once."""
    stand_in.add_list(stand_in.accounts["SNDBOX"], "Other", "Other1")
    join(stand_in, emails(150))
    join(stand_in, emails(300)[150:], "Other1")

    found = klaviyo.members_among(LIST, emails(250)[50:] * 2, deadline)

    assert sorted(map(str, addresses(found))) == sorted(emails(150)[50:])
    assert [person.id for person in found] == [stand_in.profile(str(person.email)).id for person in found]
    assert asked(stand_in) == [("GET", f"/api/lists/{LIST}/profiles")] * 2


def test_nobody_is_looked_up_without_a_request(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline
) -> None:
    """No address, no request: a filter for nobody could be one for everybody."""
    assert klaviyo.members_among(LIST, [], deadline) == []
    assert klaviyo.profiles_among([], deadline) == []
    assert asked(stand_in) == []


def test_a_member_shows_its_primary_address(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """Somebody who is found by another address shows the one that Klaviyo made the primary one."""
    (profile_id,) = join(stand_in, ["old@example.org"])
    account = stand_in.accounts["SNDBOX"]
    account.profiles.make_primary(stand_in.profile("old@example.org"), "new@example.org")
    stand_in.secondary_addresses_found = True

    asked_for = ["old@example.org", "new@example.org"]
    assert klaviyo.members_among(LIST, asked_for, deadline) == [Person(profile_id, "new@example.org")]


def test_who_is_removed_is_off_the_list_and_nothing_else(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline
) -> None:
    """A thousand at once: others stay members, and those who are removed stay profiles, as they were."""
    stand_in.add_list(stand_in.accounts["SNDBOX"], "Other", "Other1")
    ids = join(stand_in, emails(MOST_REMOVED + 5))
    join(stand_in, emails(3), "Other1")
    before = repr(list(stand_in.accounts["SNDBOX"].profiles))

    klaviyo.remove_from_list(LIST, ids[:MOST_REMOVED], deadline, permit)

    assert [member.email for member in stand_in.members(LIST)] == emails(MOST_REMOVED + 5)[MOST_REMOVED:]
    assert [member.email for member in stand_in.members("Other1")] == emails(3)
    assert repr(list(stand_in.accounts["SNDBOX"].profiles)) == before
    assert asked(stand_in) == [("DELETE", REMOVAL)]


def test_a_removal_whose_answer_got_lost_is_repeated(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline
) -> None:
    """Removing somebody twice removes them once."""
    ids = join(stand_in, emails(3))
    stand_in.faults.add([Fault("cut_after", method="DELETE")])

    klaviyo.remove_from_list(LIST, ids[:2], deadline, permit)

    assert [member.email for member in stand_in.members(LIST)] == emails(3)[2:]
    assert asked(stand_in) == [("DELETE", REMOVAL)] * 2


def test_profiles_that_are_gone(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """Where somebody was deleted meanwhile, the caller is told to look up again, and nobody is removed."""
    ids = join(stand_in, emails(3))
    stand_in.accounts["SNDBOX"].delete(stand_in.profile(emails(1)[0]))

    with pytest.raises(MembersChanged) as caught:
        klaviyo.remove_from_list(LIST, ids, deadline, permit)

    assert caught.value.code == "members_changed"
    assert not any(profile_id in repr(caught.value) + str(caught.value) for profile_id in ids)
    assert len(stand_in.members(LIST)) == 2
    stand_in.unknown_ids_ignored = True
    klaviyo.remove_from_list(LIST, ids, deadline, permit)
    assert stand_in.members(LIST) == []


@pytest.mark.parametrize("status", [400, 404])
def test_a_removal_that_is_refused(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline, status: int
) -> None:
    """Which of the two Klaviyo answers for ids that are gone is not documented: both mean the same."""
    ids = join(stand_in, emails(3))
    stand_in.faults.add([Fault("error", method="DELETE", status=status)])

    with pytest.raises(MembersChanged, match="Look them up again"):
        klaviyo.remove_from_list(LIST, ids, deadline, permit)


def test_nobody_is_removed_without_a_permit(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """Who lost the right to change the account changes nothing."""

    class No(Permit):
        def check(self) -> None:
            raise ExportError("no more")

    ids = join(stand_in, emails(3))
    with pytest.raises(ExportError, match="no more"):
        klaviyo.remove_from_list(LIST, ids, deadline, No())

    assert len(stand_in.members(LIST)) == 3


CALLS: dict[str, Callable[[Klaviyo, str, Deadline], object]] = {
    "members": lambda k, list_id, d: list(k.members(list_id, d)),
    "members_among": lambda k, list_id, d: k.members_among(list_id, emails(1), d),
    "remove_from_list": lambda k, list_id, d: k.remove_from_list(list_id, ["01SANDBOX"], d, permit),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_list_that_is_not_there(
    klaviyo: Klaviyo, deadline: Deadline, call: Callable[[Klaviyo, str, Deadline], object]
) -> None:
    """Each call names the list and the account."""
    with pytest.raises(NotFound, match=r"'NoSuch'.*SNDBOX") as caught:
        call(klaviyo, "NoSuch", deadline)
    assert caught.value.code == "unknown_list"


@pytest.mark.parametrize(
    ("missing", "name"),
    [
        ("lists:read", "members"),
        ("profiles:read", "members"),
        ("profiles:read", "members_among"),
        ("lists:write", "remove_from_list"),
        ("profiles:write", "remove_from_list"),
    ],
)
def test_a_missing_scope_is_named(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline, missing: str, name: str
) -> None:
    """403: which scope, so that somebody can make a key that has it."""
    stand_in.accounts["SNDBOX"].keys = {"pk_sandbox": SCOPES - {missing}}

    with pytest.raises(Denied, match=missing) as caught:
        CALLS[name](klaviyo, LIST, deadline)
    assert caught.value.code == "missing_scope"


def test_people_are_in_no_repr() -> None:
    """Neither the ids nor the addresses of members, nor a cursor that may hold an id."""
    page = MembersPage((Person("01CANARY", "canary@example.org"),), "page%5Bcursor%5D=canary")

    assert "canary" not in repr(page).lower()
