"""What the machine's own clock counts."""

import subprocess
import sys
from shutil import which

import pytest

# Prints the clock's time and, behind it, the time for which the machine was not suspended.
READ = (
    "import time; from shared.adapters.clock import SystemClock; "
    "print(SystemClock().monotonic(), time.monotonic())"
)
SUSPENDED = 100_000
# As on a machine that was suspended for so many seconds since it started.
AFTER_A_SUSPEND = ("unshare", "--user", "--map-root-user", "--time", "--boottime", str(SUSPENDED))


def test_the_clock_counts_while_the_machine_is_suspended() -> None:
    """A lease ends at the store meanwhile: one that looks as young as before would let two hold it."""
    if which("unshare") is None or subprocess.run([*AFTER_A_SUSPEND, "true"]).returncode != 0:
        pytest.skip("this system makes no time namespace for us")

    read = subprocess.run([*AFTER_A_SUSPEND, sys.executable, "-c", READ], check=True, stdout=subprocess.PIPE)
    counted, awake = map(float, read.stdout.split())
    assert counted - awake >= SUSPENDED - 1
