"""The smallest files in which a line within a cell was once sent as a row."""

from pathlib import Path

import pytest

from shared.services import Services
from shared.settings import Settings
from tests.segments.made_files import MadeFile, Maker
from tests.segments.sending import send

GHOST, LATER = "ghost@example.org,z\n", "b@example.org,y\n"
MANY = "".join(f"ghost{number}@example.org;z\n" for number in range(3))
HEADER = "EMail,Note\n"
TEXT_BEHIND = {
    "a space behind a cell of several lines": f'{HEADER}a@example.org,"x\n{GHOST}y" \n{LATER}',
    "text behind a cell of several lines": f'{HEADER}a@example.org,"x\n{GHOST}y"z\n{LATER}',
    "a NUL behind it": f'{HEADER}a@example.org,"x\n{GHOST}y"\0\n{LATER}',
    "a space, then a later cell": f'{HEADER}a@example.org,"x" \nc@example.org,"\n{GHOST}"\n{LATER}',
    "two rows away": f'{HEADER}a@example.org,"x" \nb@example.org,y\nc@example.org,"\n{GHOST}"\n',
    "a space, then a cell of the same row": (
        'EMail,Note,City\na@example.org,"x" ,"q\nghost@example.org,z,z\ny"\nb@example.org,y,y\n'
    ),
}
NOT_DOUBLED = {
    "a word in quotes": f'{HEADER}a@example.org,"x\nsay "hi"\n{GHOST}"\n{LATER}',
    "a word in quotes behind a comma": f'{HEADER}a@example.org,"x, or ,"hi"\n{GHOST}"\n{LATER}',
    "a line that begins with a quote": f'{HEADER}a@example.org,"x\n{GHOST}"hi" he said\n"\n{LATER}',
}
OPEN = {
    "an open quote that another row's closes": (
        f'{HEADER}a@example.org,"open\nc@example.org,"\n{GHOST * 3}"\n{LATER}e@example.org,"fine"\n'
    ),
    "one whose row begins with a comma": (
        f'{HEADER}a@example.org,"open\nc@example.org,",\nghost@example.org, hi\nz"\n{LATER}'
    ),
    "an open quote before a cell of several lines": (
        'EMail,Note,City\na@example.org,"x,"q\nghost@example.org,z,z\ny"\nb@example.org,y,y\n'
    ),
}
DELIMITER = {
    "lines with another delimiter": ("untold", False, f'a@example.org,"x\n{MANY}y"\n{LATER}'),
    "a comma behind the only cell": ("untold", False, 'b@example.org\n"\nghost@example.org\ny",\n'),
    "the same below a header": ("untold", True, 'EMail\nb@example.org\n"\nghost@example.org\ny",\n'),
    "the same without model.json": ("bare", True, 'EMail\nb@example.org\n"\nghost@example.org\ny",\n'),
}
FILES = {name: ("told", True, text) for name, text in (TEXT_BEHIND | NOT_DOUBLED | OPEN).items()} | DELIMITER


@pytest.mark.parametrize("name", FILES)
def test_a_line_within_a_cell_is_never_a_row(tmp_path: Path, name: str) -> None:
    """That holds whatever else is broken in the file, and the valid row still leaves."""
    made = Maker(0)
    made.kind, made.has_header, text = FILES[name]
    made.delimiter, made.consent = ",", None
    made.columns = text.partition("\n")[0].split(",") if made.has_header else ["EMail", "Note"]
    if not made.has_header and "z" not in text:
        made.columns = ["EMail"]
    made.files = [MadeFile(text.encode())]
    settings = Settings(segments_url=f"file:{tmp_path / 's'}", state_url=f"file:{tmp_path / 'state'}")
    with Services.from_settings(settings) as services:
        result = send(services, made, tmp_path / "segments")
    sent = [values["EMail"] for values in result.sent]

    assert not [email for email in sent if email.startswith("ghost")]
    assert "b@example.org" in sent
