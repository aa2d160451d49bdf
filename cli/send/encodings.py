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
# next to a letter, four letters with marks in a row. Words in other encodings are full of them.
_LETTER = rb"[A-Za-z\x91\x92\xc0-\xff]"
_SYMBOL = rb"[\x83\x86-\x89\x8b\x98\x9b\xa2-\xa6\xa8\xac\xaf\xb1-\xb3\xb6\xb8\xb9\xbc-\xbe](?![0-9])"
_UNLIKELY = re.compile(
    b"|".join(
        (
            rb"[\x81\x8d\x8f\x90\x9d]",
            rb"[\xc0-\xff]{4}",
            _LETTER + rb"(?!(?<=m)[\xb2\xb3])" + _SYMBOL,  # but m²
            rb"(?<![0-9])" + _SYMBOL + _LETTER,  # but 3½in
        )
    )
)
# So many lines of UTF-8 more than others decide.
_CERTAIN = 1_000
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
    """The lines of a file beyond ASCII: those in UTF-8, and what the others have."""

    def __init__(self) -> None:
        self.utf_8 = 0
        self.others = 0
        self.bytes: set[int] = set()
        self.unlikely = 0

    def count(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            if line.isascii():
                continue
            try:
                line.decode()
                self.utf_8 += 1
            except UnicodeDecodeError:
                self.others += 1
                self.bytes.update(byte for byte in line if byte > 0x7F)
                self.unlikely += _UNLIKELY.search(line) is not None


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

    The lines beyond ASCII decide, of which a few may be valid in the other encoding by chance or be broken:
    it is UTF-8 unless more of them are not. Those that do not fit are refused.
    """
    beyond = _Beyond()
    rest, is_first = b"", True
    for chunk in chunks:
        if is_first and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return Found(UTF_16, "")
        is_first = False
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop() if len(lines[-1]) < _LONGEST_LINE else b""
        beyond.count(lines)
        if beyond.utf_8 > beyond.others + _CERTAIN:
            return Found(UTF_8, "")
    beyond.count([rest])
    if beyond.utf_8 >= beyond.others:
        return Found(UTF_8, "")
    text = bytes(sorted(beyond.bytes)).decode(WINDOWS, errors="ignore")
    return Found(WINDOWS, text[:_MOST_LETTERS], beyond.unlikely <= _MOST_UNLIKELY * beyond.others)


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
