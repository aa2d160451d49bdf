"""How the time of something grows with its size."""

import gc
import time
from collections.abc import Callable


def assert_grows_in_proportion(prepare: Callable[[int], Callable[[], object]], size: int) -> None:
    """Eight times as much takes about eight times as long: where all meets all, it would be 64 times.

    `prepare` makes so much, and returns what is measured. The machine may be three times as slow meanwhile.
    """
    once = min(_seconds(prepare(size)) for _ in range(3))
    assert any(_seconds(prepare(8 * size)) < 24 * once for _ in range(3))


def _seconds(work: Callable[[], object]) -> float:
    """Of the processor, without the collection of somebody else's garbage."""
    gc.disable()
    try:
        began = time.process_time()
        work()
        return time.process_time() - began
    finally:
        gc.enable()
