"""`demo` if it can't begin, and if it is interrupted. README shows its output."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.support.host import COMMAND


@contextmanager
def running_demo(folder: Path) -> Iterator[list[str]]:
    """A demo that has begun; it is interrupted at the end of the block, and then the list has its errors."""
    with subprocess.Popen(
        [str(COMMAND), "demo"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "Created a segment" in process.stdout.readline()
        said: list[str] = []
        yield said
        process.send_signal(signal.SIGINT)
        said.append(process.communicate(timeout=30)[1])
    assert process.returncode == 130


def test_a_file_in_the_way(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is removed that the demo did not make."""
    monkeypatch.chdir(tmp_path)
    Path("data").write_text("mine")

    result = command("demo")

    assert result.exit_code == 2
    assert "The folder data/demo can't be created here" in result.stderr
    assert Path("data").read_text() == "mine"


def test_two_demos_in_a_folder(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second keeps its hands off the first one's files. Ctrl-C ends the first, which says that the next
    demo starts over, not that a run can be resumed."""
    monkeypatch.chdir(tmp_path)
    with running_demo(tmp_path) as said:
        result = command("demo")

        assert result.exit_code == 75
        assert "Another demo is running in data/demo" in result.stderr
        assert Path("data/demo/state/exports/vip.json").exists()
        assert Path("data").stat().st_mode & 0o777 == 0o700

    assert "The next one starts over" in said[0]
    assert "Traceback" not in said[0]
