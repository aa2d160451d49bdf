"""Decompresses gzip in small steps: https://www.rfc-editor.org/rfc/rfc1952."""

import zlib
from collections.abc import Iterable, Iterator

# The first bytes of a gzip file. UTF-8 text never begins with them.
MAGIC = b"\x1f\x8b"
BLOCK_SIZE = 128 * 1024
# A gzip file has several members if files were concatenated; some tools write one for each 64 KiB.
MAX_MEMBERS = 250_000
# zlib copies the input after a member, so it gets little at a time.
_SLICE = 16 * 1024


class InvalidGzip(ValueError):
    """The message is the rest of a sentence that begins with the file's name."""


def decompress(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    """Yields blocks of at most 128 KiB. Zeros may follow a member, as gzip itself allows.

    Raises InvalidGzip, also if the content is compressed twice or has more than `max_bytes`.
    """
    size = 0
    try:
        for block in _blocks(chunks):
            if size == 0 and block.startswith(MAGIC):
                raise InvalidGzip("is compressed twice; compress it once")
            size += len(block)
            if size > max_bytes:
                raise InvalidGzip(
                    f"decompresses to more than {max_bytes:,} bytes; split it into several files"
                )
            yield block
    except (zlib.error, EOFError):
        raise InvalidGzip("is not a valid gzip file") from None


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    member, members = zlib.decompressobj(wbits=31), 1
    for piece in (chunk[at : at + _SLICE] for chunk in chunks for at in range(0, len(chunk), _SLICE)):
        while piece := piece.lstrip(b"\0") if member.eof else piece:
            if member.eof:
                member, members = zlib.decompressobj(wbits=31), members + 1
                if members > MAX_MEMBERS:
                    raise InvalidGzip(f"has more than {MAX_MEMBERS:,} gzip members; compress it as one")
            while block := member.decompress(piece, BLOCK_SIZE):
                yield block
                if member.eof:
                    break
                piece = member.unconsumed_tail
            piece = member.unused_data
    if not member.eof:
        raise EOFError
