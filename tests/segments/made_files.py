"""Makes CSV files of every kind from a seed, and knows which people are their rows.

Cells of several lines hold ghosts: lines that look like rows of people who are in none.
"""

import gzip
import random
from dataclasses import dataclass, field

from tests.segments.dirt import BROKEN_BYTES, BROKEN_QUOTES, soiled
from tests.segments.oracle import BOM, Shape

# By name, those that the exports of these tests send, and those that they don't.
SENT = ["EMail", "FirstName", "Note"]
COLUMNS = [*SENT, "Consent", "City", "CustomerId", 'Long, odd "name"']
DELIMITERS = ",;\t|"
LINE_ENDS = ["\n", "\r\n", "\r"]
ODD_NAMES = ["", " ", "Sales, total", 'a "name"', "two\nlines", "Extra", "=1+1", "\u200b"]
WORDS = ["", "Ann", '5" pipe', 'a "b" c', '"', '""', "x,y;z", "x|y\tz", " b ", "\ufeff", "Zoë", "\ufeffq"]
WORDS += ["a\u2028b\x0bc\x85d", '"Q"', "'", "sep=;"]


@dataclass
class MadeRow:
    """A row as it is written, and its cells; `dirt` says what was done to it."""

    raw: bytes
    cells: list[str]
    values: dict[str, str]
    dirt: str = ""
    start: int = 0

    @property
    def has_lines(self) -> bool:
        return any("\n" in value or "\r" in value for value in self.values.values())


@dataclass
class MadeFile:
    content: bytes = b""
    rows: list[MadeRow] = field(default_factory=list)
    shape: Shape = field(default_factory=lambda: Shape({}, 0))
    has_header: bool = True

    @property
    def is_dirty(self) -> bool:
        return any(row.dirt for row in self.rows)


class Maker:
    """One segment of one or two files, the same for the same seed.

    `kind` is how the format is known: told by model.json, untold by it, or bare, without a model.json.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        pick = self.random.choice
        self.kind = pick(["told", "untold", "bare"])
        self.has_header = self.kind == "bare" or self.random.random() < 0.6
        self.delimiter = pick(DELIMITERS)
        self.line_end = pick(LINE_ENDS)
        self.quoting = pick(["minimal", "minimal", "all", "odd"])
        self.columns = ["EMail", *self.random.sample(COLUMNS[1:], self.random.randrange(len(COLUMNS)))]
        self.random.shuffle(self.columns)
        self.consent = "Consent" if "Consent" in self.columns and self.random.random() < 0.6 else None
        if len(self.columns) == 1 and self.kind != "told":
            self.delimiter = ","  # nothing of such a file could say another
        self.is_large = seed % 400 == 7
        self.dirt = pick([BROKEN_QUOTES, BROKEN_BYTES, [], [], []])
        self.is_tame = self.dirt is BROKEN_QUOTES
        self.has_ghosts = self.random.random() < 0.7
        self.people = 0
        self.bare_names: list[str] = []
        self.files = [self._file() for _ in range(2 if self.random.random() < 0.1 else 1)]

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def packed(self, content: bytes) -> bytes:
        """The content in one gzip member, or in two."""
        at = self.random.randrange(len(content) + 1)
        parts = [content[:at], content[at:]] if self.chance(0.5) else [content]
        return b"".join(gzip.compress(part, 1, mtime=0) for part in parts)

    def _file(self) -> MadeFile:
        made = MadeFile(has_header=self.has_header)
        names = list(self.columns)
        if self.kind == "bare" and self.bare_names:
            names = list(self.bare_names)
        header = self._header(names) if self.has_header else None
        self.bare_names = list(names)
        width = len(names)
        made.shape = Shape(
            {name: names.index(name) for name in self.columns}, width, len(header or ""), self.consent
        )
        count = self.random.choice([0, 1, 2, 3, 5, 8, 12])
        if self.kind == "bare":
            count = max(count, 1)  # a header alone does not always show its delimiter
        if self.is_large:
            count = self.random.randrange(700, 1500)
        made.rows = [self._row(names) for _ in range(count)]
        # A file that has to show its own shape begins with a plain row.
        first = 0 if self.kind == "told" else 1
        if first and made.rows:
            made.rows[0] = self._plain_row(names)
        others = [row for row in made.rows[first:] if not (self.is_tame and row.has_lines)]
        if self.dirt and others:
            most = 2 if not self.is_tame and self.chance(0.3) else 1
            for row in self.random.sample(others, min(len(others), most)):
                self._soil(row, names)
        self._join(made, header)
        return made

    def _header(self, names: list[str]) -> list[str]:
        """The header's cells; changes `names` to what the file has in its columns' places."""
        if self.kind == "bare" and self.people:
            return names
        if self.chance(0.3):
            self.random.shuffle(names)
        if self.chance(0.3):
            for _ in range(self.random.randrange(1, 4)):
                names.insert(self.random.randrange(len(names) + 1), self._odd_name())
            while not names[-1].strip(" \u200b"):
                names.pop()
        header = [self._spelled(name) if self.chance(0.2) else name for name in names]
        return [*header, ""] if self.chance(0.1) and self.kind != "bare" else header

    def _odd_name(self) -> str:
        others = [name for name in self.columns if name not in (*SENT, "Consent")]
        odd = [name for name in ODD_NAMES if not (self.is_tame and "\n" in name)]
        return self.random.choice(odd if self.kind != "bare" else [*odd, *others])

    def _spelled(self, name: str) -> str:
        name = self.random.choice([f" {name}", f"{name} ", f"\ufeff{name}", f"{name}\u200b"])
        return name if self.kind == "bare" else self.random.choice([name, name.upper(), name.lower()])

    def _row(self, names: list[str]) -> MadeRow:
        values = {name: self._value(name, names) for name in names}
        if self.people and self.chance(0.04):
            values["EMail"] = f"P{self.seed}x{self.random.randrange(self.people)}@example.org"
        cells = [values[name] for name in names]
        if len(cells) == 1 and self.kind != "told":
            pass
        elif self.chance(0.06):
            cells.append(self.random.choice(["", "", " ", "more"]))
        elif self.chance(0.04) and len(cells) > 1 and not cells[0].startswith("sep="):
            cells.pop()
        elif self.chance(0.02):
            cells += self.random.choice([["", "", ""], ["", "x"], [*cells]])
        return MadeRow(self._written(cells), cells, values)

    def _plain_row(self, names: list[str]) -> MadeRow:
        self.people += 1
        email = f"p{self.seed}x{self.people - 1}@example.org"
        values = {name: {"EMail": email, "Consent": "True"}.get(name, "Ann") for name in names}
        cells = [values[name] for name in names]
        return MadeRow(self._written(cells), cells, values)

    def _written(self, cells: list[str]) -> bytes:
        return self.delimiter.join(map(self._cell, cells)).encode()

    def _cell(self, value: str) -> str:
        must = any(each in value for each in (self.delimiter, "\r", "\n")) or value.strip().startswith('"')
        may = {"minimal": '"' in value and self.chance(0.6), "all": True, "odd": self.chance(0.5)}
        if not must and not may[self.quoting]:
            return value
        space = " " * self.random.randrange(1, 3) if self.quoting == "odd" and self.chance(0.2) else ""
        return f'{space}"{value.replace('"', '""')}"'

    def _value(self, name: str, names: list[str]) -> str:
        if name == "EMail":
            self.people += 1
            email = f"p{self.seed}x{self.people - 1}@example.org"
            if self.chance(0.85):
                return email
            return self.random.choice(
                ["", f" {email}", f"{email}\u200b", "nobody", f"{email}!", self._text(names)]
            )
        if name == "Consent":
            return self.random.choice(["True", "True", "False", "", " True ", "Tru"])
        return self._text(names)

    def _text(self, names: list[str]) -> str:
        if self.has_ghosts and self.chance(0.25):
            return self._haunted(names)
        text = self.random.choice(WORDS)
        return text * self.random.randrange(1, 300) if self.is_large and self.chance(0.2) else text

    def _haunted(self, names: list[str]) -> str:
        """Lines that look like rows of people."""
        if self.is_tame:
            ghosts = [
                self.delimiter.join(map(self._ghostly, names)) for _ in range(self.random.randrange(1, 4))
            ]
            return self.line_end.join(["said:", *ghosts, "x"])
        is_other = self.chance(0.15) and self.kind == "told"
        delimiter = self.random.choice(DELIMITERS) if is_other else self.delimiter
        lines = [self.random.choice(["", "x", "said:", delimiter, f"a{delimiter}b", '"', 'x"'])]
        for _ in range(self.random.choice([1, 1, 2, 3, 30 if self.is_large else 4])):
            cells = [self._ghostly(name) for name in names]
            if self.chance(0.2):
                cells = cells[: self.random.randrange(len(cells)) + 1]
            if self.chance(0.2):
                cells = [f'"{cell}"' for cell in cells]
            lines.append(delimiter.join(cells))
        lines.append(
            self.random.choice(["", "x", delimiter, '"', f'{delimiter}"', f'"{delimiter}', f"x{delimiter}y"])
        )
        return (self.line_end if self.chance(0.8) else self.random.choice(LINE_ENDS)).join(lines)

    def _ghostly(self, name: str) -> str:
        special = {"EMail": f"ghost{self.random.randrange(10**9)}@example.org", "Consent": "True"}
        return special.get(name) or self.random.choice(["", "Ghost", "Ghost", "boo"])

    def _soil(self, row: MadeRow, names: list[str]) -> None:
        row.dirt = self.random.choice(self.dirt)
        cells = [self._cell(row.values[name]).encode() for name in names]
        place = self.random.randrange(len(cells))
        texts = [self.random.choice(WORDS) if self.is_tame else self._text(names) for _ in range(2)]
        cells[place] = soiled(row.dirt, cells[place], texts, self.random, self.delimiter)
        row.raw = self.delimiter.encode().join(cells)

    def _join(self, made: MadeFile, header: list[str] | None) -> None:
        end = self.line_end.encode()
        lines = [b"sep=" + self.delimiter.encode()] if self.chance(0.08) else []
        if header is not None:
            lines.append(self._written(header))
        has_bom = self.chance(0.2) or (made.rows and not lines and made.rows[0].raw.startswith(BOM))
        content = bytearray(BOM if has_bom else b"")
        for line in lines:
            content += line + end
        for row in made.rows:
            if self.chance(0.05):
                content += end
            row.start = len(content)
            content += row.raw + (end if self.chance(0.97) else self.random.choice(LINE_ENDS).encode())
        if self.chance(0.3) and content.endswith(end):
            del content[-len(end) :]
        made.content = bytes(content)
