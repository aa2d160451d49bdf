"""The meaning and the fix of each code, from docs/codes.md.

python -m page_trigger.codes docs/codes.md   writes codes.json next to this file
"""

import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_name("codes.json")


class Code(NamedTuple):
    """The meaning of a code and its fix; both can contain Markdown code and links."""

    meaning: str
    remedy: str


@cache
def _codes() -> dict[str, Code]:
    return {code: Code(*texts) for code, texts in json.loads(FILE.read_bytes()).items()}


def remedy_of(code: str) -> str:
    """The fix; blank if the documentation has none, or nothing needs to be done."""
    found = _codes().get(code)
    return found.remedy if found is not None and found.remedy != "Nothing." else ""


def meaning_of(code: str) -> str:
    """The meaning of the code. An unknown code is Klaviyo's own, for a row."""
    found = _codes().get(code)
    return found.meaning if found is not None else "Klaviyo's own reason."


def read_codes(text: str) -> dict[str, Code]:
    """The table rows of the page that begin with codes."""
    found: dict[str, Code] = {}
    before = ""
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if len(cells) >= 2 and (codes := re.findall(r"`([a-z0-9_.]+)`", cells[0])):
            given = cells[-1] if len(cells) > 2 else ""
            before = before if given.startswith("As above") else given
            meaning = cells[-2] if len(cells) > 2 else cells[1]
            found |= {code: Code(meaning, before) for code in codes}
    return found


if __name__ == "__main__":
    content = json.dumps(read_codes(Path(sys.argv[1]).read_text()), indent=1, sort_keys=True)
    FILE.write_text(f"{content}\n")
