"""Marks with which people keep a spreadsheet from taking a text for a number: `="00123"` and `'0049151…`.

An apostrophe can also stand before an address, where it would be part of it.
"""

import re
from collections.abc import Iterable, Iterator

_START, _END = rb"(?<![^,;\t|\r\n])", rb"(?=[,;\t|\r\n]|\Z)"
# A formula that is only a text; written by Excel itself, its quotes are doubled and it is quoted once more.
_FORMULA = re.compile(_START + rb'(?:="([^"\r\n]*)"|"=""([^"\r\n]*)""")' + _END)
# An apostrophe before a number or an address and nothing else; one before words is a part of them.
_APOSTROPHE = re.compile(_START + rb"(\"?)'((?:\+?\d[\d ()./-]*|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)\1)" + _END)


def without_marks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same CSV with the texts that the marks enclose. What it takes away is never more than the marks."""
    rest = b""
    for chunk in chunks:
        content = rest + chunk
        end = max(content.rfind(b"\n"), content.rfind(b"\r")) + 1
        yield _without(content[:end])
        rest = content[end:]
    yield _without(rest)


def _without(lines: bytes) -> bytes:
    if b'="' in lines:
        lines = _FORMULA.sub(lambda found: b'"' + (found[1] or found[2] or b"") + b'"', lines)
    if b"'" in lines:
        lines = _APOSTROPHE.sub(rb"\1\2", lines)
    return lines
