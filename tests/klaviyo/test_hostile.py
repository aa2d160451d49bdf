"""A Klaviyo, or a proxy, that means no good: what it can cost is bounded."""

import os
import zlib
from functools import partial
from itertools import islice
from multiprocessing import Pipe
from pathlib import Path

import orjson
import pytest
from starlette.requests import Request
from starlette.responses import Response

from shared.adapters.clock import Deadline
from shared.adapters.streams import proxy_for
from shared.errors import KlaviyoUnavailable
from shared.klaviyo.retry import PATIENCE
from tests.klaviyo.asking import asking
from tests.support import victim
from tests.support.forks import forked
from tests.support.hostile import MALICE, Malice, dripping, made_tls, serving_malice, slow_reader
from tests.support.world import LIST

CALLS = 3
# Beyond its deadline, for each call.
SECONDS = 5


@pytest.mark.parametrize("malice", MALICE, ids=lambda malice: malice.__name__)
def test_no_answer_costs_more_than_its_time_and_100_megabytes(malice: Malice) -> None:
    """Endless, dripping, packed or absurd: each call ends soon behind its deadline, as one that may pass."""
    with serving_malice(malice) as url:
        cost = cost_of(url)

    assert len(cost["codes"]) == CALLS
    assert set(cost["codes"]) <= {"unexpected_answer", "klaviyo_unavailable"}
    # The victim is less patient than the app, to save time.
    assert PATIENCE[0] < SECONDS
    assert cost["seconds"] < CALLS * (victim.SECONDS + SECONDS)
    assert cost["megabytes"] < 100


def cost_of(url: str, **environment: str) -> victim.Cost:
    """What a process of its own has to bear."""
    receiver, sender = Pipe(duplex=False)
    with forked(victim.suffer, url, os.environ | environment, sender):
        sender.close()
        assert receiver.poll(120)
        cost: victim.Cost = receiver.recv()
    return cost


@pytest.mark.parametrize("malice", [dripping, slow_reader], ids=lambda malice: malice.__name__)
def test_encryption_gives_no_more_time(tmp_path: Path, malice: Malice) -> None:
    """The time holds for what goes and comes over TLS too, which is how Klaviyo is called."""
    tls, authority = made_tls(tmp_path)
    with serving_malice(malice, tls) as url:
        cost = cost_of(url, SSL_CERT_FILE=str(authority))

    assert set(cost["codes"]) == {"klaviyo_unavailable"}
    assert cost["seconds"] < CALLS * (victim.SECONDS + SECONDS)


def packed(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return packer.compress(content) + packer.flush()


def test_a_packed_answer_is_unpacked() -> None:
    """Klaviyo's edge may pack what it sends."""
    content = packed(orjson.dumps({"data": {"id": LIST, "attributes": {"name": "VIP" * 60}}}))

    with asking(lambda _: Response(content, headers={"content-encoding": "gzip"})) as (klaviyo, clock):
        assert klaviyo.read_list(LIST, Deadline(clock, 60)).name == "VIP" * 60


WHOLE = orjson.dumps({"data": {"id": LIST, "attributes": {"name": "VIP"}}})


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("br", WHOLE),
        ("zstd", WHOLE),
        ("deflate", WHOLE),
        ("gzip, gzip", WHOLE),
        ("rot13", WHOLE),
        ("gzip", WHOLE),
        ("gzip", packed(WHOLE)[:-20]),
    ],
)
def test_an_answer_that_cannot_be_unpacked_is_none(encoding: str, content: bytes) -> None:
    """Packed in another way than was asked for, broken or cut: no answer, and no bug."""
    response = partial(Response, content, headers={"content-encoding": encoding})

    with asking(lambda _: response()) as (klaviyo, clock), pytest.raises(KlaviyoUnavailable) as caught:
        klaviyo.read_list(LIST, Deadline(clock, 3))

    assert caught.value.code == "unexpected_answer"


def test_a_chain_of_pages_has_an_end() -> None:
    """Links that always lead on are followed a thousand times."""
    seen = 0

    def page(request: Request) -> Response:
        nonlocal seen
        seen += 1
        link = f"{request.url.replace(query=f'page={seen}')}"
        return Response(orjson.dumps({"data": [], "links": {"next": link}}))

    with asking(page) as (klaviyo, clock), pytest.raises(KlaviyoUnavailable) as caught:
        list(klaviyo.jobs(Deadline(clock, 10**6)))

    assert caught.value.code == "unexpected_answer"
    assert seen == 1_001


def test_a_list_may_have_more_pages_than_other_collections() -> None:
    """A list of a million members has 10,000 pages, where a chain of other pages ends after a thousand."""
    pages = 0

    def page(request: Request) -> Response:
        nonlocal pages
        pages += 1
        link = f"{request.url.replace(query=f'page={pages}')}"
        return Response(orjson.dumps({"data": [], "links": {"next": link}}))

    with asking(page) as (klaviyo, clock):
        members = klaviyo.members(LIST, Deadline(clock, 10**6))
        assert sum(1 for _ in islice(members, 1_050)) == 1_050


def test_a_cursor_that_nobody_could_keep_is_none() -> None:
    """Callers keep cursors: one without a bound is no answer."""
    link = f"?page={'x' * 1_000}"

    def page(request: Request) -> Response:
        return Response(
            orjson.dumps({"data": [], "links": {"next": f"{request.url.replace(query='')}{link}"}})
        )

    with asking(page) as (klaviyo, clock), pytest.raises(KlaviyoUnavailable) as caught:
        next(klaviyo.members(LIST, Deadline(clock, 60)))

    assert caught.value.code == "unexpected_answer"


def test_a_circle_of_pages_is_followed_once() -> None:
    """Two pages that lead to each other are not read again and again."""
    seen = 0

    def page(request: Request) -> Response:
        nonlocal seen
        seen += 1
        link = f"{request.url.replace(query=f'page={seen % 2}')}" if seen < 10 else None
        return Response(orjson.dumps({"data": [], "links": {"next": link}}))

    with asking(page) as (klaviyo, clock), pytest.raises(KlaviyoUnavailable):
        list(klaviyo.jobs(Deadline(clock, 10**6)))

    assert seen == 3


def test_a_page_of_too_many_is_none() -> None:
    """Klaviyo gives a hundred a page."""
    content = orjson.dumps({"data": [{}] * 1_001})

    with asking(lambda _: Response(content)) as (klaviyo, clock), pytest.raises(KlaviyoUnavailable):
        list(klaviyo.jobs(Deadline(clock, 3)))


def test_a_job_that_is_none_hides_no_other() -> None:
    """One entry that can't be read is left out of the list."""
    good = {"id": "J2", "attributes": {"status": "complete", "failed_count": 0}}
    bad = {"id": "J1", "attributes": {"status": "complete", "failed_count": -1}}
    content = orjson.dumps({"data": [bad, good, "x"]})

    with asking(lambda _: Response(content)) as (klaviyo, clock):
        assert [job.id for job in klaviyo.jobs(Deadline(clock, 60))] == ["J2"]


def test_another_job_than_asked_for_is_none() -> None:
    """An answer about somebody else's job says nothing about ours."""
    content = orjson.dumps({"data": {"id": "J2", "attributes": {"status": "complete"}}})

    with asking(lambda _: Response(content)) as (klaviyo, clock), pytest.raises(KlaviyoUnavailable):
        klaviyo.job("J1", Deadline(clock, 3))


def test_an_errors_person_is_not_asked_for() -> None:
    """Of an import error only code and place travel; its detail and its payload would echo the person."""
    asked = []

    def page(request: Request) -> Response:
        asked.append(request.query_params["fields[import-error]"])
        return Response(b'{"data":[]}')

    with asking(page) as (klaviyo, clock):
        assert list(klaviyo.import_errors("J1", Deadline(clock, 60))) == []

    assert asked == ["code,source"]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"https_proxy": "http://127.0.0.1:1"}, "http://127.0.0.1:1"),
        ({"https_proxy": "127.0.0.1:1"}, "http://127.0.0.1:1"),
        ({"all_proxy": "http://127.0.0.1:1"}, "http://127.0.0.1:1"),
        ({"http_proxy": "http://127.0.0.1:1"}, None),
        ({"https_proxy": "http://127.0.0.1:1", "no_proxy": "klaviyo.com"}, None),
        ({"https_proxy": "http://127.0.0.1:1", "no_proxy": "example.org"}, "http://127.0.0.1:1"),
    ],
)
def test_the_environments_proxy(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str | None
) -> None:
    """A network that is left through a proxy only can be left."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert proxy_for("https://a.klaviyo.com") == expected
