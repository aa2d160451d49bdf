"""Returns memory to the system."""

import ctypes
from contextlib import suppress
from functools import cache

# https://man7.org/linux/man-pages/man3/mallopt.3.html
_MMAP_THRESHOLD = -3
LARGE = 128 * 1024


@cache
def give_large_blocks_back() -> None:
    """Makes the C library return each large block to the system as soon as it is freed.

    glibc does that initially, but raises the limit to the size of freed blocks, up to 32 MB: then such blocks
    stay with the process. Batches, and a ledger while it is sorted, are large blocks for a short time: for
    ten million profiles, hundreds of megabytes. Other C libraries are not changed.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, LARGE)
