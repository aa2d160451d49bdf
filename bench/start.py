"""Table 5: how long a new instance takes until it knows its functions, and which packages take it."""

import re
import subprocess
import sys
from collections import Counter

from bench.ground import Ground
from bench.measure import measure
from bench.output import show

INDEX = "import function_app; function_app.app.get_functions()"
TIMES = 5
SLOWEST = 12
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\w+)")


def main(ground: Ground) -> None:
    environment = ground.environment(ground.segment(0), "http://127.0.0.1:1")
    bare = min(measure([sys.executable, "-c", ""], environment).wall for _ in range(TIMES))
    walls = sorted(measure([sys.executable, "-c", INDEX], environment).wall - bare for _ in range(TIMES))
    columns = ("import and index", *(f"{name} of {TIMES}" for name in ("fastest", "median", "slowest")))
    seconds = [f"{wall:.2f} s" for wall in (walls[0], walls[TIMES // 2], walls[-1])]
    show("Cold start", columns, [("function_app", *seconds)])
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
    rows = [(package, f"{time / 1000:.0f}") for package, time in spent.most_common(SLOWEST)]
    show(f"The {SLOWEST} slowest packages, measured import by import", ("package", "ms"), rows)
