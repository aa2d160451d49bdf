"""How the system gets memory back."""

import ctypes
from contextlib import suppress
from functools import cache

# https://man7.org/linux/man-pages/man3/mallopt.3.html
_MMAP_THRESHOLD = -3
LARGE = 128 * 1024


@cache
def give_large_blocks_back() -> None:
    """Has the C library return each large block to the system as soon as it is freed.

    glibc begins so, and then takes the size of a freed block, up to 32 MB, as usual: such blocks stay with
    the process. Batches, and a ledger that is sorted, are large blocks for a short time: of ten million
    profiles they take hundreds of megabytes. Other C libraries are left as they are.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, LARGE)
