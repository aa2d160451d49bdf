"""Large blocks go back to the system when they are freed."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from pathlib import Path
from shared.adapters.memory import give_large_blocks_back

def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

if sys.argv[1] == "yes":
    give_large_blocks_back()
bytes(31_000_000)  # by which glibc takes such blocks as usual
before = held()
blocks = [bytes(3_000_000) + b"x" for _ in range(40)]
last = bytes(100_000)
blocks.clear()
print(held() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps them")
def test_freed_blocks_are_not_kept() -> None:
    """Without it, the same blocks stay with the process."""
    kept = {
        given: int(subprocess.check_output([sys.executable, "-c", SCRIPT, given])) for given in ("no", "yes")
    }
    assert kept["yes"] < 5_000_000 < 50_000_000 < kept["no"]
