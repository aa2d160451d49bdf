"""Keys that are written into the secrets file."""

import json
from pathlib import Path

import pytest

from shared.adapters.vault import FileVault
from shared.errors import AlreadyExists, InvalidDocument, InvalidSettings


def test_the_first_key_makes_the_file(tmp_path: Path) -> None:
    """It is its owner's alone, whatever the umask."""
    vault = FileVault(tmp_path / "data" / "secrets.json")

    vault.write("one", " pk_one\n")

    assert vault.secret("one") == "pk_one"
    assert (tmp_path / "data" / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_another_key_leaves_the_others(tmp_path: Path) -> None:
    """A key is added; one that is there is never overwritten."""
    vault = FileVault(tmp_path / "secrets.json")
    vault.write("one", "pk_one")
    vault.write("two", "pk_two")

    with pytest.raises(AlreadyExists):
        vault.write("one", "pk_three")

    assert json.loads((tmp_path / "secrets.json").read_bytes()) == {"one": "pk_one", "two": "pk_two"}


def test_a_file_that_is_something_else_stays_as_it_is(tmp_path: Path) -> None:
    """Somebody's notes are not overwritten, nor is a file that others can read added to."""
    path = tmp_path / "secrets.json"
    path.write_text("notes")
    path.chmod(0o600)
    with pytest.raises(InvalidDocument):
        FileVault(path).write("one", "pk_one")

    path.write_text("{}")
    path.chmod(0o644)
    with pytest.raises(InvalidSettings):
        FileVault(path).write("one", "pk_one")

    assert path.read_text() == "{}"


@pytest.mark.parametrize("leads", [True, False], ids=["to a file", "nowhere"])
def test_a_link_is_not_followed(tmp_path: Path, leads: bool) -> None:
    """Neither what it leads to nor the link is touched."""
    other = tmp_path / "other.json"
    if leads:
        other.write_text("{}")
        other.chmod(0o600)
    path = tmp_path / "secrets.json"
    path.symlink_to(other)

    with pytest.raises(InvalidSettings, match="symbolic link"):
        FileVault(path).write("one", "pk_one")

    assert path.is_symlink()
    assert not leads or other.read_text() == "{}"
    assert other.exists() == leads


def test_no_file_is_made_where_others_could_replace_it(tmp_path: Path) -> None:
    """The folder is looked at before the first key is in it."""
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)

    with pytest.raises(InvalidSettings, match="chmod go-w"):
        FileVault(folder / "secrets.json").write("one", "pk_one")

    assert list(folder.iterdir()) == []


def test_a_write_replaces_the_file_whole(tmp_path: Path) -> None:
    """A new file takes the place of the old one, its owner's alone; nothing else is left behind."""
    path = tmp_path / "secrets.json"
    vault = FileVault(path)
    vault.write("one", "pk_one")
    before = path.stat().st_ino

    with path.open() as opened:
        vault.write("two", "pk_two")
        assert json.load(opened) == {"one": "pk_one"}

    assert path.stat().st_ino != before
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
