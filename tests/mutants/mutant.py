"""One mutant, and how its tests meet it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

# Seconds; a mutant that makes its tests hang is noticed by that.
PATIENCE = 300
FAILED, INTERRUPTED = 1, 2  # pytest's exit codes; a file that can't be imported interrupts


@dataclass(frozen=True)
class Mutant:
    """`old`, which occurs once in the file at `path`, becomes `new`; `tests` is a path for pytest."""

    path: str
    old: str
    new: str
    tests: str

    def __str__(self) -> str:
        return f"{self.path}: {self.old!r} -> {self.new!r}, {self.tests}"

    def is_stale(self, root: Path) -> bool:
        """Whether the code has changed so that the mutant can't be applied."""
        file = root / self.path
        return not file.is_file() or file.read_text().count(self.old) != 1

    def survives(self, root: Path) -> bool:
        """Whether its tests pass on the mutated tree, which is left as it was."""
        file = root / self.path
        original = file.read_text()
        file.write_text(original.replace(self.old, self.new))
        try:
            return passes(root, self.tests)
        finally:
            file.write_text(original)


def passes(root: Path, tests: str) -> bool:
    """Whether pytest passes in a tree. Raises RuntimeError where it could not run the tests."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", tests]
    # The tree's own modules come before the installed ones, in subprocesses too. Without bytecode: a mutant
    # of the same size, written in the same second, would not be compiled again.
    environment = os.environ | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command,
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return False
        finally:
            if process.poll() is None:
                os.killpg(process.pid, SIGKILL)
    if process.returncode not in (0, FAILED, INTERRUPTED):
        raise RuntimeError(f"pytest could not run {tests}:\n{output}")
    return process.returncode == 0
