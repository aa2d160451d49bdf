"""What a process takes: time, CPU, memory."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TIMED = (sys.executable, "-S", str(Path(__file__).with_name("timed.py")))
EXPORT = (str(Path(sys.executable).with_name("segment-export")), "run", "vip", "--json")


@dataclass(frozen=True, slots=True)
class Taken:
    """What a process took: seconds, CPU seconds (user and system), peak memory in bytes; what it printed."""

    wall: float
    cpu: float
    peak: int
    output: str

    @property
    def peak_mb(self) -> float:
        return self.peak / 1e6


def measure(command: Sequence[str], environment: Mapping[str, str], share: float = 1) -> Taken:
    """Runs a command to its end, with a share of a core. Raises CalledProcessError where it fails."""
    done = subprocess.run(  # noqa: S603 - our own commands
        [*TIMED, f"{share:g}", *command], env=dict(environment), stdout=subprocess.PIPE, text=True, check=True
    )
    output, _, figures = done.stdout.rstrip("\n").rpartition("\n")
    taken = json.loads(figures)
    if taken["status"] != 0:
        raise subprocess.CalledProcessError(taken["status"], command, output)
    return Taken(taken["wall"], taken["cpu"], taken["peak"], output)


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of this package."""
    return [sys.executable, "-m", f"bench.{module}", *arguments]
