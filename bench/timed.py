"""Runs a command and prints, behind what it printed, one line of JSON: what it took.

python timed.py SHARE COMMAND: SHARE is of a core, 1 for as much as there is. A small process of its own,
since the kernel begins a child's peak memory with its parent's.
"""

import json
import os
import signal
import sys
import time
from resource import struct_rusage

# Linux counts memory in KiB, macOS in bytes.
UNIT = 1 if sys.platform == "darwin" else 1024
# As a quota of the kernel does it: so much of every tenth of a second, then nothing until the next one.
PERIOD = 0.1


def main() -> None:
    share, *command = sys.argv[1:]
    started = time.monotonic()
    child = os.posix_spawnp(command[0], command, os.environ)
    status, usage = wait(child) if share == "1" else hold_back(child, float(share))
    taken = {
        "wall": time.monotonic() - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * UNIT,
        "status": os.waitstatus_to_exitcode(status),
    }
    sys.stdout.write(f"{json.dumps(taken)}\n")


def wait(child: int) -> tuple[int, struct_rusage]:
    _, status, usage = os.wait4(child, 0)
    return status, usage


def hold_back(child: int, share: float) -> tuple[int, struct_rusage]:
    while True:
        time.sleep(PERIOD * share)
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            return status, usage
        os.kill(child, signal.SIGSTOP)
        time.sleep(PERIOD * (1 - share))
        os.kill(child, signal.SIGCONT)


if __name__ == "__main__":
    main()
