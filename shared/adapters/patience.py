"""Limits the time of calls to a library that can't limit it: the caller gives the call up."""

import threading
from collections.abc import Callable
from contextvars import copy_context
from queue import Empty, SimpleQueue

from shared.errors import TryLater


class Patience:
    """Allows at most `most` calls at once, including those that were given up and still hang. Thread-safe."""

    def __init__(self, seconds: float, most: int, late: Callable[[], TryLater]) -> None:
        self._seconds = seconds
        self._late = late
        self._places = threading.BoundedSemaphore(most)

    def wait_for[T](self, call: Callable[[], T]) -> T:
        """The result or error of the call; raises `late` if there is neither in time."""
        if not self._places.acquire(timeout=self._seconds):
            raise self._late()
        results: SimpleQueue[tuple[T, None] | tuple[None, BaseException]] = SimpleQueue()

        def work() -> None:
            try:
                results.put((call(), None))
            except BaseException as error:  # raised in the caller's thread
                results.put((None, error))
            finally:
                self._places.release()

        # A daemon thread does not keep the process from ending.
        threading.Thread(target=copy_context().run, args=(work,), name="patience", daemon=True).start()
        try:
            result, error = results.get(timeout=self._seconds)
        except Empty:
            raise self._late() from None
        try:
            if error is not None:
                raise error
            return result  # type: ignore[return-value]
        finally:
            del error  # its traceback holds this frame: the cycle would keep the callers' objects alive
