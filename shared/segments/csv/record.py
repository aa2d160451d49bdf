"""A record, and the reasons why it is refused."""

from collections.abc import Sequence

from shared.segments.csv.blocks import MAX_RECORD

type Record = list[str] | str
"""The cells of a record, or the code of the reason why it is refused."""


class RecordChecks:
    """Checks the records that were read, and tracks doubts about the next ones."""

    def __init__(self) -> None:
        # Whether a cell may hold a NUL or invalid UTF-8.
        self.may_be_invalid = False
        # Whether quotes may be unbalanced, so that the rest of a cell looks like a record.
        self.quotes_in_doubt = False
        # Whether the record is too long and its beginning was dropped.
        self.is_cut = False

    def check(self, cells: list[str], lines: Sequence[str]) -> list[Record]:
        """The record in these lines, or why it is refused; nothing for a blank line."""
        if not cells:
            return []
        self.quotes_in_doubt |= len(lines) > 1
        if self.quotes_in_doubt and has_odd_quotes(lines):
            return self.refuse(lines)
        if self.is_cut or sum(map(len, lines)) > MAX_RECORD:
            self.is_cut = False
            return ["row_too_long"]
        return [(_fault(cells) or cells) if self.may_be_invalid else cells]

    def refuse(self, lines: Sequence[str]) -> list[Record]:
        """A reason for each line that is not blank, since any of them may be a person's row."""
        self.quotes_in_doubt = True
        reasons: list[Record] = [_reason(line) for line in lines if line.strip("\r\n")]
        if self.is_cut:
            self.is_cut = False
            reasons[0] = "row_too_long"
        return reasons


def has_odd_quotes(lines: Sequence[str]) -> bool:
    """Whether the number of quotes in the lines is odd."""
    return sum(line.count('"') for line in lines) % 2 == 1


def _reason(line: str) -> str:
    return "row_too_long" if len(line) > MAX_RECORD else "broken_quotes"


def _fault(cells: list[str]) -> str | None:
    text = "".join(cells)
    if "\0" in text:
        return "nul_byte"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "invalid_utf8"
    return None
