"""Request bodies: small ones as JSON, and the body of an import job from the profiles' own bytes."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import orjson

from shared.klaviyo.format import MOST_BYTES

# Average bytes of a chunk. httpx spends its time per chunk: many small ones would cost too much.
CHUNK = 65_536

_HEAD = b'{"data":{"type":"profile-bulk-import-job","attributes":{"profiles":{"data":['


class Body(Protocol):
    """Chunks of bytes, which a retry iterates over again; `size` is their total.

    `count` is the number of profiles; Klaviyo may refuse all of them because of one.
    """

    count: int
    size: int

    def __iter__(self) -> Iterator[bytes]: ...


class JsonBody:
    """A document of at most 1,000 profiles; no repr contains it."""

    def __init__(self, document: dict[str, Any], count: int) -> None:
        self._content = orjson.dumps(document)
        self.count = count
        self.size = len(self._content)

    def __iter__(self) -> Iterator[bytes]:
        yield self._content


def _tail(list_id: str) -> bytes:
    relationships = {"lists": {"data": [{"type": "list", "id": list_id}]}}
    return b']}},"relationships":' + orjson.dumps(relationships) + b"}}"


def room_for_profiles(list_id: str) -> int:
    """The bytes that the profiles of one job may take, including the commas between them."""
    return MOST_BYTES - len(_HEAD) - len(_tail(list_id))


class ImportBody:
    """The request that imports `profiles` (JSON:API objects) and puts them on a list.

    A retry iterates over it again. It is never in memory as one string: each chunk is joined when needed.
    """

    def __init__(self, profiles: Sequence[bytes], list_id: str) -> None:
        self._profiles = profiles
        self.count = len(profiles)
        self.list_id = list_id
        self._tail = _tail(list_id)
        commas = max(0, self.count - 1)
        self.size = len(_HEAD) + sum(map(len, profiles)) + commas + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        profiles = self._profiles
        step = len(profiles) * CHUNK // self.size + 1
        yield _HEAD + b",".join(profiles[:step])
        for start in range(step, len(profiles), step):
            yield b"," + b",".join(profiles[start : start + step])
        yield self._tail
