"""Files as people have them: what Excel writes, several at once, and standard input."""

import gzip
import json
import os
import subprocess
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from cli.send.encodings import find_encoding, recoded
from cli.send.marks import without_marks
from tests.cli.conftest import KEY, Command, workbook
from tests.support.forks import in_terminal
from tests.support.host import COMMAND
from tests.support.world import LIST, World, environment_of

MAIL = ["--list", LIST, "--email", "E-Mail"]
NAMED = [*MAIL, "--map", "last_name=Nachname"]
GERMAN = (
    "Nachname;E-Mail;Kundennr\r\n"
    'Müller;mueller@example.org;="00123"\r\n'
    "Groß;gross@example.org;'00124\r\n"
    "Smith;smith@example.org;125\r\n"
)
PEOPLE = {"mueller@example.org", "gross@example.org", "smith@example.org"}


def profile(world: World, email: str) -> dict[str, object]:
    attributes = world.stand_in.profile(email).attributes
    assert attributes is not None
    return attributes


@pytest.mark.parametrize(
    ("encoding", "noted"),
    [("utf-8", False), ("utf-8-sig", False), ("utf-16", False), ("cp1252", True)],
)
def test_what_excel_writes(
    command: Command, world: World, tmp_path: Path, encoding: str, noted: bool
) -> None:
    """Nobody is lost for an umlaut, and who reads Windows-1252 is told the letters that it makes."""
    (tmp_path / "people.csv").write_bytes(GERMAN.encode(encoding))

    result = command("send", str(tmp_path / "people.csv"), *NAMED, **KEY)

    assert result.exit_code == 0, result.output
    assert world.members() == PEOPLE
    assert profile(world, "mueller@example.org")["last_name"] == "Müller"
    assert ("is read as Windows-1252 (Western Europe): ßü." in result.stderr) is noted


def test_a_named_encoding_is_used(command: Command, world: World, tmp_path: Path) -> None:
    """Windows-1250 can't be told from Windows-1252: people name it."""
    (tmp_path / "people.csv").write_bytes("Nachname,E-Mail\r\nŻak,zak@example.org\r\n".encode("cp1250"))

    result = command("send", str(tmp_path / "people.csv"), *NAMED, "--encoding", "windows-1250", **KEY)

    assert result.exit_code == 0, result.output
    assert profile(world, "zak@example.org")["last_name"] == "Żak"
    assert "Windows-1252" not in result.stderr


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("base64", "base64 is not an encoding"),
        ("latin-99", "cp1251 (Cyrillic)"),
        ("utf-16-le", "is not in the encoding"),
    ],
)
def test_encodings_that_are_not(
    command: Command, world: World, tmp_path: Path, encoding: str, said: str
) -> None:
    """An encoding that Python does not have, or that the file can't be in, is said; nothing is sent."""
    (tmp_path / "people.csv").write_bytes(b"Nachname;E-Mail\r\nM\xfcller;\xd8\x00mueller@example.org\r\n")

    result = command("send", str(tmp_path / "people.csv"), *NAMED, "--encoding", encoding, **KEY)

    assert result.exit_code == 2
    assert said in result.stderr
    assert world.members() == set()


def test_broken_rows_of_utf_8_are_refused_and_the_others_are_not_garbled(
    command: Command, world: World, tmp_path: Path
) -> None:
    """One row in another encoding makes no other row of it."""
    content = GERMAN.encode().replace("Groß".encode(), "Groß".encode("cp1252"))
    (tmp_path / "people.csv").write_bytes(content)

    result = command("send", str(tmp_path / "people.csv"), *NAMED, **KEY)

    assert world.members() == PEOPLE - {"gross@example.org"}
    assert "Rows with invalid_utf8 are in another encoding than the rest" in result.stderr
    assert profile(world, "mueller@example.org")["last_name"] == "Müller"
    assert "rejected, invalid_utf8: 1" in result.stdout


def test_marks_of_spreadsheets_are_not_part_of_a_value(
    command: Command, world: World, tmp_path: Path
) -> None:
    """`="00123"` and `'00124` keep their zeros, and lose what kept them."""
    (tmp_path / "people.csv").write_text(GERMAN)

    assert (
        command("send", str(tmp_path / "people.csv"), *MAIL, "--property", "Kundennr", **KEY).exit_code == 0
    )

    numbers = [profile(world, email)["properties"] for email in sorted(PEOPLE)]
    assert numbers == [{"Kundennr": "00124"}, {"Kundennr": "00123"}, {"Kundennr": "125"}]


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ('a,="00123",b\n', 'a,"00123",b\n'),
        ('="0";x\r\n', '"0";x\r\n'),
        ('"=""0049 151""",b\n', '"0049 151",b\n'),
        ("x,'+49 (151) 2-3\n", "x,+49 (151) 2-3\n"),
        ("\"'0049\",'1\n", '"0049",1\n'),
        ("'a.b@example.org,\"'a@b.example.org\"\n", 'a.b@example.org,"a@b.example.org"\n'),
        ('=""\n', '""\n'),
        # Words, formulas and apostrophes that belong to a value stay.
        ("O'Neil,'n Roll,'90s\n", "O'Neil,'n Roll,'90s\n"),
        ('=A1&"x",=1+1,a="b"\n', '=A1&"x",=1+1,a="b"\n'),
        ('"say ""=x"" now",rock\'n\'roll\n', '"say ""=x"" now",rock\'n\'roll\n'),
    ],
)
def test_marks(line: str, read: str) -> None:
    """Only a whole cell is a mark's."""
    assert b"".join(without_marks([line.encode()])).decode() == read


@hypothesis.given(st.text("=\"'0,;\na", max_size=40), st.lists(st.integers(1, 5), min_size=40, max_size=40))
def test_marks_do_not_depend_on_how_a_file_is_cut(text: str, sizes: list[int]) -> None:
    """The pieces in which a file is read change nothing."""
    content, pieces, at = text.encode(), [], 0
    for size in sizes:
        pieces.append(content[at : at + size])
        at += size
    assert b"".join(without_marks(pieces)) == b"".join(without_marks([content]))


@hypothesis.given(st.text(max_size=60), st.integers(1, 7))
def test_utf_8_is_always_taken_for_utf_8(text: str, size: int) -> None:
    """Whatever is written, and however it is cut."""
    content = text.encode()
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    assert find_encoding(pieces).name == "utf-8"


@hypothesis.given(st.binary(max_size=60), st.sampled_from(["cp1252", "cp1250", "shift_jis", "latin-1"]))
def test_no_byte_becomes_another_one_unseen(content: bytes, encoding: str) -> None:
    """What an encoding can't read stays unreadable, so that its row is refused."""
    read = b"".join(recoded([content[:7], content[7:]], encoding, "people.csv"))
    assert read.decode(errors="surrogateescape").encode(encoding, "surrogateescape") == content


def test_a_workbook(command: Command, world: World, tmp_path: Path) -> None:
    """Its first sheet is read, and whoever has others is told; numbers are as people write them."""
    file = workbook(
        tmp_path / "people.xlsx",
        ("E-Mail", "Nachname", "Punkte", "Wert", "Ja"),
        ("mueller@example.org", 'M\u00fcller, "Bo"', 125, 1.5, True),
        ("smith@example.org", "", 4915112345678, "00123", False),
    )
    columns = [part for name in ("Punkte", "Wert", "Ja") for part in ("--property", name)]

    result = command("send", str(file), *NAMED, *columns, **KEY)

    assert result.exit_code == 0, result.output
    assert profile(world, "mueller@example.org")["last_name"] == 'M\u00fcller, "Bo"'
    assert profile(world, "mueller@example.org")["properties"] == {
        "Punkte": "125",
        "Wert": "1.5",
        "Ja": "True",
    }
    assert profile(world, "smith@example.org")["properties"] == {
        "Punkte": "4915112345678",
        "Wert": "00123",
        "Ja": "False",
    }
    assert "the first sheet, of 2, is read, 'Kunden', with the rows that a filter hides." in result.stderr


def test_a_hidden_sheet_is_not_read(command: Command, world: World, tmp_path: Path) -> None:
    """Its people were put out of sight; the first sheet that one sees is read."""
    file = workbook(
        tmp_path / "people.xlsx", ("E-Mail",), ("seen@example.org",), ("hidden@example.org",), hides=True
    )

    result = command("send", str(file), *MAIL, **KEY)

    assert result.exit_code == 0, result.output
    assert "the first visible sheet with cells, of 2, is read, 'Other'" in result.stderr
    assert world.members() == {"seen@example.org"}


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("cp1250", "\u0141ukasz \u017b\u00f3\u0142\u0107"),
        ("cp1251", "\u0418\u0432\u0430\u043d"),
        ("shift_jis", "\u7530\u4e2d"),
    ],
)
def test_an_encoding_that_is_hardly_windows_1252_has_to_be_named(
    command: Command, world: World, tmp_path: Path, encoding: str, name: str
) -> None:
    """Rather than names that nobody can read; named, it is read."""
    file = tmp_path / "people.csv"
    file.write_bytes(f"Nachname;E-Mail\r\n{name};a@example.org\r\n".encode(encoding))

    result = command("send", str(file), *NAMED, **KEY)
    assert result.exit_code == 2
    assert "does not look like Windows-1252" in result.stderr
    assert world.members() == set()

    assert command("send", str(file), *NAMED, "--encoding", encoding, **KEY).exit_code == 0
    assert profile(world, "a@example.org")["last_name"] == name


def test_the_encoding_of_most_lines_counts(command: Command, world: World, tmp_path: Path) -> None:
    """A line of Windows-1252 can be valid UTF-8 by chance: it does not make the whole file UTF-8."""
    rows = "".join(f"M\u00fcller;m{number}@example.org\r\n" for number in range(50))
    file = tmp_path / "people.csv"
    file.write_bytes(f"Nachname;E-Mail\r\n{rows}NESCAF\u00c9\u00ae;n@example.org\r\n".encode("cp1252"))

    result = command("send", str(file), *NAMED, **KEY)

    assert result.exit_code == 0, result.output
    assert len(world.members()) == 51
    assert profile(world, "n@example.org")["last_name"] == "NESCAF\u00c9\u00ae"


@pytest.mark.parametrize(("answer", "code"), [("", 0), ("n", 2)])
def test_in_a_terminal_the_letters_are_asked_about(
    world: World, tmp_path: Path, answer: str, code: int
) -> None:
    """Czech in cp1250 can't be told from Windows-1252, and a person sees it."""
    (tmp_path / "people.csv").write_bytes(
        "Nachname,E-Mail\r\nDvo\u0159\u00e1k,a@example.org\r\n".encode("cp1250")
    )
    arguments = ["send", str(tmp_path / "people.csv"), *MAIL]

    found, said = in_terminal(arguments, environment_of(world) | KEY, f"{answer}\nn\n")

    assert found == code, said
    assert "Are these its letters? [Y/n]" in said
    assert world.members() == ({"a@example.org"} if code == 0 else set())


def test_compressed_files_are_in_utf_8(command: Command, world: World, tmp_path: Path) -> None:
    """Others are said, before every row is refused."""
    for encoding, code in (("utf-8", 0), ("cp1252", 2)):
        file = tmp_path / f"{encoding}.csv.gz"
        file.write_bytes(gzip.compress(GERMAN.encode(encoding)))
        result = command("send", str(file), *NAMED, **KEY)
        assert result.exit_code == code, result.output
    assert "cp1252.csv.gz is compressed and not in UTF-8." in result.stderr
    assert world.members() == PEOPLE


@pytest.mark.parametrize(
    "text",
    [
        "M\u00fcller Stra\u00dfe \u00c5\u00e5berg \u00d1o\u00f1o na\u00efve",
        "\u00abBonjour\u00bb \u00bfqu\u00e9? \u00a1Hola!",
        "Caf\u00e9\u00ae 20\u00b0C \u00a75 5\u20ac \u00a3 20",
        "1\u00bd 80 m\u00b2 3\u00bdin GBP\u00a35 A\u00d7B S\u00fc\u00df\u00f6l",
        "No 5\u00ba O\u2019Neil \u2026 \u2013",
    ],
)
def test_what_western_europe_writes_is_windows_1252(text: str) -> None:
    """Letters and signs as they stand in names and addresses."""
    found = find_encoding([f"Nachname\r\n{text}\r\n".encode("cp1252")])

    assert (found.name, found.is_likely) == ("cp1252", True)


def test_the_encoding_that_notepad_calls_ansi(command: Command, world: World, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes(GERMAN.encode("cp1252"))

    result = command("send", str(tmp_path / "people.csv"), *NAMED, "--encoding", "ANSI", **KEY)

    assert result.exit_code == 0, result.output
    assert world.members() == PEOPLE


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_what_is_no_workbook(command: Command, world: World, tmp_path: Path, start: bytes) -> None:
    """A document of another kind is named, with what to do."""
    (tmp_path / "people.csv").write_bytes(start + bytes(600))

    result = command("send", str(tmp_path / "people.csv"), *NAMED, **KEY)

    assert result.exit_code == 2
    assert "neither CSV nor a workbook that can be read. Save it as CSV UTF-8." in result.stderr
    assert world.members() == set()


def test_several_files_are_one_run(command: Command, world: World, tmp_path: Path) -> None:
    """Columns may stand in another order; who is in two files is sent once; refused rows have their file."""
    (tmp_path / "a.csv").write_text("E-Mail,Nachname\na@example.org,A\nb@example.org,B\n")
    (tmp_path / "b.csv").write_text("Nachname,E-Mail\nB,b@example.org\nC,c@example.org\nD,\n")

    result = command("send", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), *NAMED, "--json", **KEY)

    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["counts"]["imported"] == 3
    assert record["counts"]["duplicates"] == 1
    assert world.members() == {"a@example.org", "b@example.org", "c@example.org"}
    assert command("runs", "rejected", record["id"]).stdout.splitlines()[1].startswith("b.csv,3,")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("E-Mail;Nachname\nb@example.org;B\n", "b.csv is separated by ';', and a.csv by ','"),
        (
            "E-Mail,Vorname\nb@example.org,B\n",
            "Only some of the files have the column 'Nachname', such as a.csv",
        ),
        ("", "b.csv is empty"),
    ],
)
def test_files_that_do_not_fit_together(
    command: Command, world: World, tmp_path: Path, content: str, said: str
) -> None:
    """Nothing of either is sent."""
    (tmp_path / "a.csv").write_text("E-Mail,Nachname\na@example.org,A\n")
    (tmp_path / "b.csv").write_text(content)

    result = command("send", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), *NAMED, **KEY)

    assert result.exit_code != 0
    assert said in result.output
    assert world.members() == set()


def test_two_files_of_one_name(command: Command, tmp_path: Path) -> None:
    """The places of refused rows would be those of either."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "people.csv").write_text("E-Mail\na@example.org\n")

    result = command("send", str(tmp_path / "a/people.csv"), str(tmp_path / "b/people.csv"), *MAIL, **KEY)

    assert result.exit_code == 2
    assert "Two files are called people.csv" in result.stderr


def test_standard_input(world: World) -> None:
    """What is piped in is sent like a file, by a real process, and leaves no copy behind."""
    command = [str(COMMAND), "send", "-", *NAMED, "--yes", "--json"]
    environment = environment_of(world) | KEY | {"PATH": os.environ["PATH"]}

    done = subprocess.run(
        command, input=GERMAN.encode("cp1252"), env=environment, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["segments"][0]["name"] == "standard input"
    assert world.members() == PEOPLE
