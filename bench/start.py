"""Table 5: how long a new instance takes until it knows its functions, and which packages take it; and how
long the command takes to show its help."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from bench.ground import Ground
from bench.measure import measure
from bench.output import show

INDEX = "import function_app; function_app.app.get_functions()"
HELP = [str(Path(sys.executable).with_name("segment-export")), "--help"]
TIMES = 5
SLOWEST = 12
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\w+)")


def main(ground: Ground) -> None:
    environment = ground.environment(ground.segment(0), "http://127.0.0.1:1")
    bare = min(measure([sys.executable, "-c", ""], environment).wall for _ in range(TIMES))
    columns = (
        "without Python's own start",
        *(f"{name} of {TIMES}" for name in ("fastest", "median", "slowest")),
    )
    processes = {
        "function_app: import and index": [sys.executable, "-c", INDEX],
        "segment-export --help": HELP,
    }
    rows = []
    for name, command in processes.items():
        walls = sorted(measure(command, environment).wall - bare for _ in range(TIMES))
        rows.append((name, *(f"{wall:.2f} s" for wall in (walls[0], walls[TIMES // 2], walls[-1]))))
    show("Cold start", columns, rows)
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-X", "importtime", "-c", INDEX],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    spent = Counter[str]()
    for microseconds, package in _IMPORT.findall(done.stderr):
        spent[package] += int(microseconds)
    slowest = [(package, f"{time / 1000:.0f}") for package, time in spent.most_common(SLOWEST)]
    show(f"The {SLOWEST} slowest packages, measured import by import", ("package", "ms"), slowest)
