"""What becomes of a call that somebody else's library answers late, or not at all."""

import gc
import threading
import weakref
from collections.abc import Iterator
from threading import Event

import pytest

from shared.adapters.patience import Patience
from shared.errors import StorageUnavailable


def late() -> StorageUnavailable:
    return StorageUnavailable("too late")


@pytest.fixture
def without_collector() -> Iterator[None]:
    """No garbage collector: what is freed then was part of no cycle."""
    gc.disable()
    yield
    gc.enable()


def test_a_call_that_hangs_is_given_up() -> None:
    """The caller continues in time; the next one does not wait for the same place for ever either."""
    ended = Event()
    patience = Patience(0.1, 1, late)
    try:
        for _ in range(2):
            with pytest.raises(StorageUnavailable, match="too late"):
                patience.wait_for(ended.wait)
    finally:
        ended.set()


@pytest.mark.usefixtures("without_collector")
def test_an_error_keeps_nothing_of_its_caller() -> None:
    """Once it is dealt with, the error and all that its callers held are freed at once."""

    class Data:
        """A batch, say."""

    def fail() -> None:
        raise StorageUnavailable("no")

    def call() -> weakref.ref[Data]:
        data = Data()
        with pytest.raises(StorageUnavailable, match="no"):
            Patience(5, 1, late).wait_for(fail)
        return weakref.ref(data)

    data = call()
    for thread in threading.enumerate():
        if thread.name == "patience":
            thread.join()
    assert data() is None
