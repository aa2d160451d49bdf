"""A process that dies in the middle of a turn, without another process."""

from collections.abc import Callable
from itertools import count

from shared.adapters.storage.store import Store
from shared.services import Services
from tests.support.stores import WatchedStore, with_state


class Died(BaseException):
    """Nothing catches it: as far as the state can tell, the process was killed."""


class DyingStore(WatchedStore):
    """Kills whoever makes the first call that `is_last` is true of: what, and for which name."""

    def __init__(self, store: Store, is_last: Callable[[str, str], bool]) -> None:
        super().__init__(store)
        self._is_last = is_last

    def called(self, what: str, name: str) -> None:
        if self._is_last(what, name):
            raise Died


def dying(services: Services, is_last: Callable[[str, str], bool]) -> Services:
    """Services whose process dies at a call to the state."""
    store = DyingStore(services.state, is_last)
    return with_state(services, store)


def at_change(nth: int) -> Callable[[str, str], bool]:
    """Right before the n-th change of the state."""
    changes = count(1)
    return lambda what, _: what in ("write", "delete") and next(changes) == nth


def at_the_record(what: str, name: str) -> bool:
    """Right before the record of a run is written."""
    return what == "write" and name.startswith("runs/") and name.endswith(".json")
