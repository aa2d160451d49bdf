"""Runs a command and prints, behind what it printed, one line of JSON: what it took.

A small process of its own, since the kernel begins a child's peak memory with its parent's.
"""

import json
import os
import sys
import time

# Linux counts memory in KiB, macOS in bytes.
UNIT = 1 if sys.platform == "darwin" else 1024


def main() -> None:
    started = time.monotonic()
    child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
    _, status, usage = os.wait4(child, 0)
    taken = {
        "wall": time.monotonic() - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * UNIT,
        "status": os.waitstatus_to_exitcode(status),
    }
    sys.stdout.write(f"{json.dumps(taken)}\n")


if __name__ == "__main__":
    main()
