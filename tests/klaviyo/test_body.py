"""The body of an import job."""

import orjson
import pytest

from shared.klaviyo.body import CHUNK, ImportBody, room_for_profiles
from shared.klaviyo.format import MOST_BYTES


def profiles(count: int) -> list[bytes]:
    return [
        orjson.dumps({"type": "profile", "attributes": {"email": f"person-{n}@example.org"}})
        for n in range(count)
    ]


@pytest.mark.parametrize("count", [1, 2, 5000])
def test_the_body_is_what_klaviyo_documents(count: int) -> None:
    """Profiles in their order, and the list beside the attributes: elsewhere Klaviyo ignores it."""
    body = ImportBody(profiles(count), "Y6nRLr")

    assert orjson.loads(b"".join(body)) == {
        "data": {
            "type": "profile-bulk-import-job",
            "attributes": {"profiles": {"data": [orjson.loads(profile) for profile in profiles(count)]}},
            "relationships": {"lists": {"data": [{"type": "list", "id": "Y6nRLr"}]}},
        }
    }


def test_its_size_is_known_before_it_is_sent() -> None:
    """The Content-Length is right, and so is the room that a batch is packed for."""
    payloads = profiles(777)
    body = ImportBody(payloads, "Y6nRLr")

    assert body.size == len(b"".join(body))
    packed = sum(map(len, payloads)) + len(payloads) - 1
    assert MOST_BYTES - room_for_profiles("Y6nRLr") == body.size - packed


def test_it_can_be_sent_again() -> None:
    """A retry sends the same bytes."""
    body = ImportBody(profiles(3000), "Y6nRLr")

    assert list(body) == list(body)


def test_it_goes_in_chunks() -> None:
    """No chunk but the last ones is small, and none is the whole."""
    *chunks, _rest, _tail = ImportBody(profiles(10_000), "Y6nRLr")

    assert len(chunks) > 1
    assert all(CHUNK / 2 < len(chunk) < 2 * CHUNK for chunk in chunks)
