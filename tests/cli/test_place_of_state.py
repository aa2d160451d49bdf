"""Where `send` keeps its runs: in STATE_URL, in this folder's state, or in a folder of the person's own."""

from pathlib import Path

import pytest

from tests.cli.conftest import KEY, MAPS, Command
from tests.support.world import LIST


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, and a working folder in it without a state."""
    folder = tmp_path / "home/work"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    for name in ("HOME", "XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_run_is_found_from_another_folder(
    command: Command, people: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without STATE_URL and without a set-up, the current folder does not matter."""
    result = command("send", str(people), "--list", LIST, *MAPS, **KEY, STATE_URL="")
    assert result.exit_code == 0, result.output
    assert not (home / "work/data").exists()
    run = result.stdout.split()[1].rstrip(":")

    monkeypatch.chdir(home)
    assert run in command("runs", "list", STATE_URL="").stdout
    assert command("runs", "show", run, STATE_URL="").exit_code == 0
    assert command("runs", "rejected", run, STATE_URL="").stdout.startswith("partition,")


def test_a_state_in_this_folder_is_used(command: Command, people: Path, home: Path) -> None:
    """It can have a list of erased people, who must not be sent."""
    (home / "work/data/state").mkdir(parents=True)

    assert command("send", str(people), "--list", LIST, *MAPS, **KEY, STATE_URL="").exit_code == 0

    assert list((home / "work/data/state/runs").iterdir())
    assert [each.name for each in home.iterdir()] == ["work"]
