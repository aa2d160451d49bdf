"""What gzip packed, unpacked in small steps: https://www.rfc-editor.org/rfc/rfc1952."""

import zlib
from collections.abc import Iterable, Iterator

# What such a file begins with. UTF-8 never does.
MAGIC = b"\x1f\x8b"
SIZE = 128 * 1024
# Files that were packed one by one and joined are one; so are the 64 KiB blocks of some tools.
MOST_MEMBERS = 250_000
# zlib copies what follows a member, so it is given little at a time.
_SLICE = 16 * 1024


class NotGzip(ValueError):
    """What is wrong with the file, as the rest of a sentence."""


def unpacked(chunks: Iterable[bytes], most: int) -> Iterator[bytes]:
    """Blocks of at most 128 KiB, `most` bytes in all. Zeros may follow a member, as gzip itself allows.

    Raises NotGzip, also where gzip packed it twice.
    """
    size = 0
    try:
        for block in _blocks(chunks):
            if size == 0 and block.startswith(MAGIC):
                raise NotGzip("is packed twice: pack it once")
            size += len(block)
            if size > most:
                raise NotGzip(f"unpacks to more than {most:,} bytes: write it as several files")
            yield block
    except (zlib.error, EOFError):
        raise NotGzip("is not a whole gzip file") from None


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    member, members = zlib.decompressobj(wbits=31), 1
    for piece in (chunk[at : at + _SLICE] for chunk in chunks for at in range(0, len(chunk), _SLICE)):
        while piece := piece.lstrip(b"\0") if member.eof else piece:
            if member.eof:
                member, members = zlib.decompressobj(wbits=31), members + 1
                if members > MOST_MEMBERS:
                    raise NotGzip(f"is made of more than {MOST_MEMBERS:,} gzip files: pack it as one")
            while block := member.decompress(piece, SIZE):
                yield block
                if member.eof:
                    break
                piece = member.unconsumed_tail
            piece = member.unused_data
    if not member.eof:
        raise EOFError
