"""A request's body goes out in pieces, and the time is looked at before each of them."""

import time
from typing import override

import httpcore
import pytest

from shared.adapters.streams import _Stream


class Recording(httpcore.NetworkStream):
    """A stream that takes some seconds for each write."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.written: list[bytes] = []
        self._seconds = seconds

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        time.sleep(self._seconds)
        self.written.append(buffer)


def test_a_piece_is_as_long_as_a_record_of_tls() -> None:
    """All of it goes out, in its order, and no piece is longer than TLS sends at once."""
    stream, content = Recording(), bytes(range(256)) * 1_000

    _Stream(stream).write(content, time.monotonic() + 600)

    assert b"".join(stream.written) == content
    assert max(map(len, stream.written)) == 16_384


def test_no_piece_goes_out_after_the_time() -> None:
    """A slow reader gets the piece that is on its way, and not the next one."""
    stream = Recording(seconds=0.2)

    with pytest.raises(httpcore.WriteTimeout):
        _Stream(stream).write(b"x" * 100_000, time.monotonic() + 0.1)

    assert len(stream.written) <= 1
