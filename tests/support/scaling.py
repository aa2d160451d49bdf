"""How the time of some work grows with its size."""

import gc
import time
from collections.abc import Callable


def assert_no_worse_than_linear(work: Callable[[int], Callable[[], object]], size: int) -> None:
    """Work of twice the size takes at most three times as long; `work` prepares it for a size.

    The shortest of several runs counts, since others on the machine only ever make one longer.
    """
    once, twice = work(size), work(2 * size)
    measured = [(_seconds(once), _seconds(twice)) for _ in range(9)]
    shorter, longer = map(min, zip(*measured, strict=True))
    assert longer <= 3 * shorter, measured


def _seconds(work: Callable[[], object]) -> float:
    """Of the processor, without the collection of somebody else's garbage."""
    gc.disable()
    try:
        start = time.process_time()
        work()
        return time.process_time() - start
    finally:
        gc.enable()
