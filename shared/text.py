"""Text as people see it: trimmed values, and names without characters that a terminal could execute."""

from collections.abc import Iterable
from itertools import islice
from unicodedata import normalize

MAX_LISTED = 10  # names in a message

# Zero-width space, word joiner, byte order mark, and the marks of direction that copied text often has. The
# joiners U+200C and U+200D are not included: they are part of words in several scripts.
_UNSEEN = "\u200b\u2060\ufeff\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def trim(text: str) -> str:
    """The text without surrounding white space and invisible marks."""
    text = text.strip()
    if text.isascii():
        return text
    while (inner := text.strip(_UNSEEN).strip()) != text:
        text = inner
    return text


def folded(name: str) -> str:
    """The name without differences that people do not see or mean: white space around it, capitals, and
    composed or combining accents."""
    return normalize("NFC", trim(name)).casefold()


def shown(text: str, longest: int = 200) -> str:
    """The text with each control, format or bidi character as its code (`\\x1b`), cut to at most `longest`.

    For names from outside, before they reach a terminal, a page or a log. `longest` is in characters.
    """
    if len(text) > longest:
        text = f"{text[: longest - 1]}…"
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def quoted(name: str, longest: int = 200) -> str:
    """The name as `shown`, in quotes."""
    return f"'{shown(name, longest)}'"


def listing(names: Iterable[str], total: int = 0) -> str:
    """The first ten names in quotes, and the number of the others; `none` without names.

    `total` exceeds the number of names if only some are given.
    """
    rest = iter(names)
    first = [quoted(name, 100) for name in islice(rest, MAX_LISTED)]
    more = max(sum(1 for _ in rest), total - len(first))
    return ", ".join(first) + (f" and {more:,} more" if more else "") if first else "none"
