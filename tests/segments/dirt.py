"""Damage to a cell of a CSV file, as software that writes files badly does it."""

import random
from collections.abc import Sequence

# What breaks quotes, and what breaks the row's bytes only.
BROKEN_QUOTES = ["open", "unclosed", "undoubled", "behind", "stray"]
BROKEN_BYTES = ["nul", "utf8"]
_UTF8 = [b"\xff", b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\xc0\xa2", b"\xf0\x9f\x98"]


def soiled(dirt: str, cell: bytes, texts: Sequence[str], chance: random.Random, delimiter: str) -> bytes:
    """The cell as it was written, or one of the texts, with damage of the kind `dirt`.

    Bytes are broken only where that breaks no quotes.
    """
    text, more = texts
    quoted = b'"' + text.replace('"', '""').encode()
    at = chance.randrange(len(cell) + 1)
    if dirt in BROKEN_BYTES and b'"' in cell:
        places = [place for place in range(len(cell)) if b'"' not in cell[max(place - 1, 0) : place + 1]]
        at = chance.choice(places or [0])
    match dirt:
        case "open":
            return b'"' + cell.replace(delimiter.encode(), b"").strip(b' "')
        case "unclosed":
            return quoted
        case "undoubled":
            inside = chance.choice(['"hi"', '"', '" "', f'"{delimiter}', ' "so" '])
            return f'"{text}{inside}{more}"'.encode()
        case "behind":
            return quoted + b'"' + chance.choice([b"x", b" ", b" x", b'x"', b' "x"'])
        case "nul":
            return cell[:at] + b"\0" + cell[at:]
        case "utf8":
            return cell[:at] + chance.choice(_UTF8) + cell[at:]
        case _:
            return cell[:at] + b'"' + cell[at:]
