"""The encoding of a text file: found where nobody names it, and read as UTF-8.

UTF-8 is what Customer Insights and most programs write. Excel on Windows writes Windows-1252 in Western
Europe and North America ("CSV"), and UTF-16 with a byte order mark ("Unicode Text").
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shared.errors import InvalidRequest, InvalidSegment

UTF_8, UTF_16, WINDOWS = "utf-8", "utf-16", "cp1252"
# Bytes of a line that is looked at as a whole.
_LONGEST_LINE = 4 * 1024 * 1024
# In a message.
_MOST_LETTERS = 20
# What Notepad calls Windows-1252.
_ALIASES = {"ansi": WINDOWS}
# Words of Western Europe in Windows-1252 have none of these: bytes that it lacks, a symbol such as £, ³ or ‰
# next to a letter, three letters with marks in a row. Words in other encodings are full of them.
_LETTER = rb"[A-Za-z\x91\x92\xc0-\xff]"
_SYMBOL = rb"[\x83\x86-\x89\x8b\x98\x9b\xa2-\xa6\xa8\xac\xaf\xb1-\xb3\xb6\xb8\xb9\xbc-\xbe\xd7\xf7]"
_UNLIKELY = re.compile(
    rb"[\x81\x8d\x8f\x90\x9d]|[\xc0-\xff]{3}|" + _LETTER + _SYMBOL + rb"|" + _SYMBOL + _LETTER
)
# The share of the lines beyond ASCII in which such a place is one too many.
_MOST_UNLIKELY = 0.2


class Found(NamedTuple):
    """An encoding, and the letters beyond ASCII that it makes of the file's bytes, as a sample.

    `is_likely` is False where the text hardly is of that encoding.
    """

    name: str
    letters: str
    is_likely: bool = True


class _Beyond:
    """What a file's lines have beyond ASCII as long as none is UTF-8."""

    def __init__(self) -> None:
        self.bytes: set[int] = set()
        self.lines = 0
        self.unlikely = 0

    def has_utf_8(self, lines: Iterable[bytes]) -> bool:
        """Whether a line beyond ASCII is valid UTF-8; else what it has is counted."""
        for line in lines:
            if line.isascii():
                continue
            try:
                line.decode()
            except UnicodeDecodeError:
                self.bytes.update(byte for byte in line if byte > 0x7F)
                self.lines += 1
                self.unlikely += _UNLIKELY.search(line) is not None
            else:
                return True
        return False


def check_encoding(name: str) -> str:
    """The encoding's own name. Raises InvalidRequest for one that Python does not have."""
    try:
        found = codecs.lookup(_ALIASES.get(name.lower(), name))
        b"".decode(found.name)
        "".encode(found.name)  # and no codec such as base64
    except (LookupError, ValueError):
        raise InvalidRequest(
            f"{name} is not an encoding. Often met: utf-8, cp1252 (Western Europe), cp1250 (Central Europe), "
            "cp1251 (Cyrillic), utf-16, shift_jis.",
            code="unknown_encoding",
        ) from None
    return found.name


def find_encoding(chunks: Iterable[bytes]) -> Found:
    """The encoding of a file's bytes: UTF-8, UTF-16, or Windows-1252.

    Only where no line beyond ASCII is valid UTF-8 it is Windows-1252, which nearly every byte could be: so a
    file of UTF-8 with broken lines stays one, and its broken lines are refused.
    """
    beyond = _Beyond()
    rest, is_first = b"", True
    for chunk in chunks:
        if is_first and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return Found(UTF_16, "")
        is_first = False
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop() if len(lines[-1]) < _LONGEST_LINE else b""
        if beyond.has_utf_8(lines):
            return Found(UTF_8, "")
    if beyond.has_utf_8([rest]) or not beyond.bytes:
        return Found(UTF_8, "")
    text = bytes(sorted(beyond.bytes)).decode(WINDOWS, errors="ignore")
    return Found(WINDOWS, text[:_MOST_LETTERS], beyond.unlikely <= _MOST_UNLIKELY * beyond.lines)


def recoded(chunks: Iterable[bytes], encoding: str, name: str) -> Iterator[bytes]:
    """The same text in UTF-8. A byte that the encoding does not have stays one that UTF-8 does not have
    either, so that its row is refused.

    Raises InvalidSegment where the bytes can't be in that encoding at all.
    """
    decoder = codecs.getincrementaldecoder(encoding)(errors="surrogateescape")
    at = 0
    try:
        for chunk in chunks:
            yield _utf_8(decoder.decode(chunk))
            at += len(chunk)
        yield _utf_8(decoder.decode(b"", final=True))
    except UnicodeError:
        raise InvalidSegment(
            f"{name} is not in the encoding {encoding}: it can't be read after about byte {at:,}.",
            code="invalid_csv",
        ) from None


def _utf_8(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
