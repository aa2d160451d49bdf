"""Looking people up by addresses in a URL: how many at once, how they are written, and what is refused."""

from typing import Any

import orjson
import pytest
from starlette.requests import Request
from starlette.responses import Response

from sandbox.klaviyo import SCOPES, Fault, StandIn
from shared.adapters.clock import Deadline
from shared.errors import Denied, KlaviyoUnavailable
from shared.klaviyo import Klaviyo
from tests.klaviyo.asking import asking
from tests.klaviyo.test_members import addresses, asked, emails, join
from tests.support.world import LIST

ODD = [
    "o'neil@example.org",
    '"a, b"@example.org',
    '"a\\"b"@example.org',
    "back\\slash@example.org",
    "a+b&c=d%40e;f@example.org",
    "x])&filter=any(id,[@example.org",
    "zoë@exämple.org",
    "𝄞@example.org",
]


@pytest.mark.parametrize("address", ODD)
def test_an_address_means_itself(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline, address: str
) -> None:
    """Whatever is special in a filter or in a URL, the person with this address is found, and no other."""
    join(stand_in, [*ODD, *emails(3)])

    assert addresses(klaviyo.members_among(LIST, [address], deadline)) == [address]
    assert addresses(klaviyo.profiles_among([address, "nobody@example.org"], deadline)) == [address]


def test_profiles_are_found_on_a_list_or_not(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """The account's profiles with these addresses, a hundred addresses a request."""
    stand_in.add_list(stand_in.accounts["SNDBOX"], "Other", "Other1")
    ids = join(stand_in, emails(10)) + join(stand_in, emails(150)[10:], "Other1")

    found = klaviyo.profiles_among(emails(200), deadline)

    assert sorted(person.id for person in found) == ids
    assert asked(stand_in) == [("GET", "/api/profiles")] * 2


def test_a_profile_look_up_names_its_scope(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """403: which scope the key lacks."""
    stand_in.accounts["SNDBOX"].keys = {"pk_sandbox": SCOPES - {"profiles:read"}}

    with pytest.raises(Denied, match="profiles:read"):
        klaviyo.profiles_among(emails(1), deadline)


@pytest.mark.parametrize("letter", ["a", "é", "𝄞", "+"])
@pytest.mark.parametrize("length", [20, 65, 100])
def test_no_url_is_long(letter: str, length: int) -> None:
    """However long the addresses: 100 of them and 6,000 bytes of a URL at most, and each goes once."""
    people = [f"{number:05}{letter * (length - 17)}@example.org" for number in range(300)]
    seen: list[str] = []
    urls: list[str] = []

    def answer(request: Request) -> Response:
        batch = orjson.loads(request.query_params["filter"].removeprefix("any(email,").removesuffix(")"))
        assert 0 < len(batch) <= 100
        seen.extend(batch)
        urls.append(str(request.url))
        return Response(b'{"data":[]}')

    with asking(answer) as (klaviyo, clock):
        klaviyo.members_among("L" * 64, people, Deadline(clock, 600))

    assert seen == people
    assert max(map(len, urls)) <= 6_000
    # And not many more than that takes.
    assert len(urls) == 3 or sum(map(len, urls)) / len(urls) > 4_000


@pytest.mark.parametrize("kind", ["error", "html"])
@pytest.mark.parametrize("status", [400, 413, 414])
def test_a_request_that_is_refused_is_halved(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline, status: int, kind: str
) -> None:
    """Klaviyo or a proxy may take less than we think: half of it goes again, and half of that."""
    ids = join(stand_in, emails(100))
    fault: dict[str, Any] = {"kind": kind, "method": "GET", "status": status}
    stand_in.faults.add([Fault(**fault, nth=nth) for nth in (1, 2)])

    found = klaviyo.members_among(LIST, emails(100), deadline)

    assert sorted(person.id for person in found) == ids
    assert len(asked(stand_in)) == 5


def test_an_address_that_is_refused(klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline) -> None:
    """Of a single address, a refusal of Klaviyo's own is one, and a proxy's may pass."""
    stand_in.faults.add([Fault("error", method="GET", nth=None, status=400)])
    with pytest.raises(Denied) as refused:
        klaviyo.profiles_among(emails(2), deadline)
    assert refused.value.code == "request_refused"
    assert len(asked(stand_in)) == 2

    stand_in.faults.clear()
    join(stand_in, emails(2))
    stand_in.faults.add([Fault("html", method="GET", nth=nth, status=414) for nth in (1, 2)])
    assert len(klaviyo.profiles_among(emails(2), deadline)) == 2


@pytest.mark.parametrize("status", [401, 403, 405, 422])
def test_other_refusals_are_not_halved(
    klaviyo: Klaviyo, stand_in: StandIn, deadline: Deadline, status: int
) -> None:
    """A key that is refused is refused for fewer addresses too."""
    stand_in.faults.add([Fault("error", method="GET", nth=None, status=status)])

    with pytest.raises(Denied):
        klaviyo.profiles_among(emails(100), deadline)
    assert len(asked(stand_in)) == 1


def test_every_page_of_a_look_up_is_read() -> None:
    """More people than fit on a page may have a hundred addresses; the next link repeats the filter."""
    queries: list[str] = []

    def answer(request: Request) -> Response:
        queries.append(request.url.query)
        person = {"id": f"P{len(queries)}", "attributes": {"email": f"a{len(queries)}@example.org"}}
        following = f"{request.url}&page%5Bcursor%5D={len(queries)}" if len(queries) < 3 else None
        return Response(orjson.dumps({"data": [person], "links": {"next": following}}))

    with asking(answer) as (klaviyo, clock):
        found = klaviyo.profiles_among(
            [f"{'x' * 50}-{n}@example.org" for n in range(70)], Deadline(clock, 60)
        )

    assert [person.id for person in found] == ["P1", "P2", "P3"]
    assert all(len(query) > 5_000 for query in queries)
    assert queries[2] == queries[0] + "&page%5Bcursor%5D=1&page%5Bcursor%5D=2"


@pytest.mark.parametrize(
    "item",
    [
        *({"id": bad, "attributes": {}} for bad in ("a b", 7, "", None, "A" * 65, "../x")),
        *({"id": "A"}, {"id": "A", "attributes": []}, {"attributes": {}}, 7),
    ],
    ids=repr,
)
def test_a_person_that_is_none(item: object) -> None:
    """An entry without an id, by which it could be removed, is no answer."""
    content = orjson.dumps({"data": [item]})

    with asking(lambda _: Response(content)) as (klaviyo, clock), pytest.raises(KlaviyoUnavailable) as caught:
        klaviyo.profiles_among(emails(1), Deadline(clock, 3))

    assert caught.value.code == "unexpected_answer"


@pytest.mark.parametrize("email", [None, 7, "", "x" * 321, ["a@example.org"]])
def test_an_address_that_is_none(email: object) -> None:
    """A profile without an address that anyone could look up is a profile all the same."""
    content = orjson.dumps({"data": [{"id": "P1", "attributes": {"email": email}}]})

    with asking(lambda _: Response(content)) as (klaviyo, clock):
        (person,) = klaviyo.profiles_among(emails(1), Deadline(clock, 60))

    assert (person.id, person.email) == ("P1", None)
