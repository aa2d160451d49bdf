"""What leaves from a thousand synthetic segments, compared with an oracle for RFC 4180 and the docs."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.services import Services
from shared.settings import Settings
from tests.segments.made_files import SENT, MadeFile, MadeRow, Maker
from tests.segments.oracle import Doubt, Record, Shape, judge, read, trim
from tests.segments.sending import Result, send

type Verdict = dict[str, str] | str

FILES = 1_000
BATCHES = 8
UNREADABLE = {"wrong_number_of_cells", "broken_quotes", "nul_byte", "invalid_utf8"}
TRICKY = (
    'Zoë,b@example.org,"\r\n""x"",ghost1@example.org,""\r\ny,ghost2@example.org,\r\n"\r\n\r\n'
    '"""",c@example.org, "\rx,ghost3@example.org,"\r"a,\nx,ghost4@example.org,","d@example.org",""\r\n'
).encode()


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    settings = Settings(segments_url=f"file:{tmp_path / 's'}", state_url=f"file:{tmp_path / 'state'}")
    with Services.from_settings(settings) as services:
        yield services


@dataclass
class Reading:
    """The oracle's reading of one file, without its header; `verdicts` are what it makes of the records."""

    file: MadeFile
    records: list[Record]
    doubts: list[Doubt]
    verdicts: list[Verdict]

    @classmethod
    def of(cls, made: Maker, file: MadeFile) -> "Reading":
        items = list(read(file.content, made.delimiter))[1 if made.has_header else 0 :]
        records = [item for item in items if isinstance(item, Record)]
        doubts = [item for item in items if isinstance(item, Doubt)]
        reading = cls(file, records, doubts, [leaving(record, file) for record in records])
        if not file.is_dirty:
            reading.knows_its_rows()
        return reading

    def knows_its_rows(self) -> None:
        """Checks that the oracle reads the synthetic rows."""
        rows = {row.start: row for row in self.file.rows if row.raw}
        starts = [record.start for record in self.records] + [doubt.start for doubt in self.doubts]
        assert sorted(starts) == [*rows]
        for record in self.records:
            cells = [trim(cell.decode()) for cell in record.cells]
            assert cells == [trim(cell) for cell in rows[record.start].cells]

    @property
    def is_wrong(self) -> bool | None:
        """Whether no row has the right number of cells; None where it depends on what can't be read."""
        told = {verdict if isinstance(verdict, str) else "" for verdict in self.verdicts}
        if "wrong_number_of_cells" not in told or told - UNREADABLE:
            return False
        return None if self.doubts or told != {"wrong_number_of_cells"} else True

    def sound(self) -> list[dict[str, str]]:
        """What leaves of undamaged rows."""
        sound = [
            Record(0, 0, [cell.encode() for cell in row.cells]) for row in self.file.rows if not row.dirt
        ]
        return [values for record in sound if isinstance(values := leaving(record, self.file), dict)]

    def certain(self) -> list[dict[str, str]]:
        """What leaves of undamaged rows that no damage puts in doubt."""
        sound = {row.start for row in self.file.rows if not row.dirt}
        found = zip(self.records, self.verdicts, strict=True)
        return [values for record, values in found if isinstance(values, dict) and record.start in sound]


def leaving(record: Record, file: MadeFile) -> Verdict:
    """The values that the export sends, or why there are none."""
    verdict = judge(record, file.shape)
    return verdict if isinstance(verdict, str) else {name: verdict[name] for name in SENT if name in verdict}


def faults_of(made: Maker, result: Result) -> Iterator[str]:
    """What is wrong with what left; nothing where all is well."""
    readings = [Reading.of(made, file) for file in made.files]
    yield from ghosts(readings, result)
    wrong = [reading.is_wrong for reading in readings]
    if result.error:
        certain = [values for reading in readings for values in reading.certain()]
        if result.error != "invalid_csv" or not (any(wrong) or None in wrong or not certain):
            yield f"the file was refused: {result.error}"
        return
    if any(wrong):
        yield "no row has the right number of cells, and the file was taken"
    counts = result.counts
    if counts.rows != len(result.sent) + counts.rejected + counts.filtered + counts.duplicates:
        yield "the counts don't add up"
    if any(reading.doubts for reading in readings):
        yield from faults_in_doubt(readings, result)
    else:
        yield from faults_without_doubt(readings, result)


def ghosts(readings: list[Reading], result: Result) -> Iterator[str]:
    """A ghost is a row only where RFC 4180 itself reads it as one, with nothing broken before."""
    rows = [
        verdict
        for reading in readings
        for record, verdict in zip(reading.records, reading.verdicts, strict=True)
        if reading.file.is_dirty and not any(doubt.start < record.start for doubt in reading.doubts)
    ]
    for values in result.sent:
        if "ghost" in values["EMail"] and values not in rows:
            yield f"a ghost was sent: {values}"


def faults_without_doubt(readings: list[Reading], result: Result) -> Iterator[str]:
    """Every record leaves as it is, or is counted by its reason."""
    verdicts = [verdict for reading in readings for verdict in reading.verdicts]
    expected: dict[str, dict[str, str]] = {}
    for verdict in verdicts:
        if isinstance(verdict, dict):
            expected.setdefault(verdict["EMail"].lower(), verdict)
    if result.sent != [*expected.values()]:
        yield f"sent {result.sent}, not {[*expected.values()]}"
    if result.counts.rows != len(verdicts):
        yield f"{result.counts.rows} rows, not {len(verdicts)}"
    left_out = result.counts.rejected_by_reason + Counter({"filtered": result.counts.filtered})
    told = Counter(verdict for verdict in verdicts if isinstance(verdict, str))
    if left_out != told:
        yield f"left out {left_out}, not {told}"


def faults_in_doubt(readings: list[Reading], result: Result) -> Iterator[str]:
    """Broken quotes cost what they put in doubt, with a count, and nothing else."""
    sent = {values["EMail"].lower() for values in result.sent}
    certain = [values for reading in readings for values in reading.certain()]
    yield from (f"not sent: {values}" for values in certain if values["EMail"].lower() not in sent)
    said = [verdict for reading in readings for verdict in [*reading.verdicts, *reading.sound()]]
    yield from (f"no row says {values}" for values in result.sent if values not in said)
    if not result.counts.rejected:
        yield "nothing was refused"


@pytest.mark.parametrize("batch", range(BATCHES))
def test_what_leaves_is_what_the_rows_say(services: Services, tmp_path: Path, batch: int) -> None:
    """Only rows leave; every row that RFC 4180 reads leaves, and all others are counted."""
    faults = {}
    for seed in range(batch, FILES, BATCHES):
        made = Maker(seed)
        if found := list(faults_of(made, send(services, made, tmp_path / str(seed)))):
            faults[seed] = found
    assert not faults


@pytest.mark.parametrize("edge", [128 * 1024, 256 * 1024, 1024 * 1024])
def test_blocks_end_anywhere(services: Services, tmp_path: Path, edge: int) -> None:
    """The end of a block changes nothing, wherever it falls."""
    names = ["City", "EMail", "Note"]
    for shift in range(len(TRICKY) + 2):
        made = Maker(0)
        made.kind, made.has_header, made.delimiter = "told", False, ","
        made.columns, made.consent = names, None
        padding = b"x" * (edge - shift - len(b",a@example.org,\r\n")) + b",a@example.org,\r\n"
        shape = Shape({name: place for place, name in enumerate(names)}, len(names))
        # Its own rows are not known: the oracle reads it alone.
        made.files = [MadeFile(padding + TRICKY, [MadeRow(b"", [], {}, "made by hand")], shape)]
        result = send(services, made, tmp_path / "segments")
        assert not list(faults_of(made, result)), shift
        assert [values["EMail"][0] for values in result.sent] == ["a", "b", "c", "d"]
