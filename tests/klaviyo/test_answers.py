"""What an answer means: Klaviyo's refusals are believed, and a proxy's page says nothing about anybody."""

from typing import Any

import orjson
import pytest

from shared.errors import BatchRefused, Denied, ExportError, KlaviyoUnavailable, NotFound
from shared.klaviyo import PROFILE_FORMAT, ImportBody
from shared.klaviyo.answers import Answer, failure

SECRET = "canary-7d10"
ERROR = {"id": "1", "code": "invalid", "title": SECRET, "detail": f"{SECRET} lists:read"}
PAGES = {
    "html": b"<html><body>Just a moment...</body></html>",
    "nothing": b"",
    "json": b'{"message": "no Route matched with those values"}',
    "errors of another kind": b'{"errors": "not found"}',
    "a list of texts": b'{"errors": ["not found"]}',
    "one text among objects": b'{"errors": [{"code": "not_found"}, "not found"]}',
    "no error at all": b'{"errors": []}',
    "a gateway's objects": b'{"errors": [{"message": "denied"}]}',
    "another status": b'{"errors": [{"code": "not_found", "status": 999}]}',
    "an array": b'[{"errors": [{}]}]',
    "broken": b'{"errors": [{"code": "not_found"}',
    "not text": b"\xff\xfe\x00",
}
SMALL = ImportBody([b"{}"] * 20, "Y6nRLr")
LARGE = ImportBody([b"{}"] * 2_000_000, "Y6nRLr")


def answer(status: int, content: bytes | None = None) -> Answer:
    """One of Klaviyo's own, unless another content is given."""
    ours = orjson.dumps({"errors": [ERROR | {"status": status}]})
    return Answer.of(status, {}, ours if content is None else content)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, LARGE, BatchRefused, "batch_refused"),
        (413, SMALL, BatchRefused, "batch_refused"),
        (400, None, Denied, "request_refused"),
        (413, None, Denied, "request_refused"),
        (401, None, Denied, "invalid_key"),
        (402, None, Denied, "request_refused"),
        (403, LARGE, Denied, "missing_scope"),
        (404, None, NotFound, "unknown_at_klaviyo"),
        (405, None, Denied, "request_refused"),
        (406, None, Denied, "request_refused"),
        (407, None, KlaviyoUnavailable, "unexpected_answer"),
        (408, LARGE, KlaviyoUnavailable, "klaviyo_unavailable"),
        (409, LARGE, Denied, "request_refused"),
        (410, None, Denied, "retired_revision"),
        (414, None, Denied, "request_refused"),
        (415, LARGE, Denied, "request_refused"),
        (422, LARGE, Denied, "request_refused"),
        (425, None, KlaviyoUnavailable, "klaviyo_unavailable"),
        (429, None, KlaviyoUnavailable, "throttled"),
        (451, None, Denied, "request_refused"),
        (499, None, KlaviyoUnavailable, "klaviyo_unavailable"),
        (500, LARGE, KlaviyoUnavailable, "klaviyo_unavailable"),
        (503, None, KlaviyoUnavailable, "klaviyo_unavailable"),
    ],
)
def test_what_klaviyo_itself_refuses(
    status: int, body: ImportBody | None, kind: type[ExportError], code: str
) -> None:
    """A JSON:API error document is Klaviyo's own, and the message repeats nothing of what it echoes."""
    error = failure(answer(status), body=body)

    assert (type(error), error.code) == (kind, code)
    assert SECRET not in str(error)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("body", [None, SMALL, LARGE], ids=["no body", "small", "large"])
def test_what_something_on_the_way_answers(body: ImportBody | None, page: bytes) -> None:
    """It may pass, whatever its status: it refuses no key, no list, no job and no row.

    Only a large body that is refused as too large is split, since a proxy may have a limit of its own.
    """
    for status in range(300, 1000):
        error = failure(answer(status, page), body=body)

        if status == 413 and body is LARGE:
            assert isinstance(error, BatchRefused)
            assert not error.profiles
            continue
        assert isinstance(error, KlaviyoUnavailable), status
        if 400 <= status < 500 and status not in (403, 408, 425, 429, 499):
            assert error.code == "unexpected_answer"


@pytest.mark.parametrize(("size", "kind"), [(128_000, KlaviyoUnavailable), (128_001, BatchRefused)])
def test_a_proxys_413_names_no_profile_as_too_large(size: int, kind: type[ExportError]) -> None:
    """A body that could be a single profile, 100 KB at most, is never split down to a refused row."""
    room = size - ImportBody([b""], "Y6nRLr").size
    assert room > PROFILE_FORMAT.most_bytes

    assert type(failure(answer(413, b""), body=ImportBody([b"x" * room], "Y6nRLr"))) is kind


@pytest.mark.parametrize("status", [408, 425, 429, 499, 500, 502, 503, 504])
def test_a_wait_is_handed_on(status: int) -> None:
    """Whoever asks for time gets it."""
    error = failure(answer(status, b""), 7.5)

    assert isinstance(error, KlaviyoUnavailable)
    assert error.retry_after == 7.5


@pytest.mark.parametrize(
    ("pointer", "code", "expected"),
    [
        ("/data/attributes/profiles/data/3/attributes/email", "invalid", (3, "email", "invalid")),
        (
            "/data/attributes/profiles/data/0/attributes/location/zip",
            "invalid",
            (0, "location.zip", "invalid"),
        ),
        ("/data/attributes/profiles/data/19", SECRET, (19, "", "refused")),
        ("/data/attributes/profiles/data/1/attributes/email", 7, (1, "email", "refused")),
        ("/data/attributes/profiles/data/1/attributes/email", "x" * 65, (1, "email", "refused")),
        ("/data/attributes/profiles/data/\u0663", "invalid", None),
        ("/data/attributes/profiles/data/-1", "invalid", None),
        ("/data/attributes/profiles/data/20", "invalid", None),
        ("/data/attributes/profiles/data/1234567", "invalid", None),
        ("/data", "invalid", None),
        (None, "invalid", None),
        (["/data/attributes/profiles/data/3"], "invalid", None),
    ],
)
def test_whom_a_refusal_names(pointer: Any, code: Any, expected: tuple[int, str, str] | None) -> None:
    """An index among those sent, an attribute and a code in Klaviyo's form; anything else names nobody."""
    content = orjson.dumps({"errors": [{"source": {"pointer": pointer}, "code": code}]})

    refused = failure(answer(400, content), body=SMALL)

    assert isinstance(refused, BatchRefused)
    assert [(p.index, p.attribute, p.reason) for p in refused.profiles] == ([expected] if expected else [])


def test_codes_are_few() -> None:
    """A code of its own for each of 10,000 profiles makes no record of 10,000 reasons."""
    errors = [
        {"source": {"pointer": f"/data/attributes/profiles/data/{n}"}, "code": "c" * (n % 60 + 1)}
        for n in range(10_000)
    ]

    refused = failure(answer(400, orjson.dumps({"errors": errors})), body=LARGE)

    assert isinstance(refused, BatchRefused)
    assert len(refused.profiles) == 10_000
    assert len({profile.reason for profile in refused.profiles}) == 20 + 1


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"[]", b"null", b'{"data"', b'{"data": [' + b"0," * 300_001 + b"0]}", b"[" * 100_000],
)
def test_a_success_without_data(content: bytes) -> None:
    """2xx with anything but a document of Klaviyo's is no answer, nor is one that would fill the memory."""
    with pytest.raises(KlaviyoUnavailable) as caught:
        answer(200, content).data()

    assert caught.value.code == "unexpected_answer"
