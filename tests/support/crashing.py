"""A process that is killed, as Azure kills functions, right before its n-th change of the state."""

import os
import signal
from collections.abc import Mapping
from itertools import count

from cli.runs import run_export
from shared.adapters.storage.store import Store
from shared.runs.starting import Request
from shared.services import Services
from shared.settings import Settings
from tests.support.forks import set_environment
from tests.support.stores import WatchedStore, with_state


class CrashingStore(WatchedStore):
    """A store whose n-th change kills the process instead."""

    def __init__(self, store: Store, nth: int) -> None:
        super().__init__(store)
        self._nth = nth
        self._changes = count(1)

    def called(self, what: str, name: str) -> None:
        if what in ("write", "delete") and next(self._changes) == self._nth:
            os.kill(os.getpid(), signal.SIGKILL)


def crash(environment: Mapping[str, str], export: str, nth: int) -> None:
    """Runs the export, for `forked`; ends with 0 where it makes fewer changes."""
    set_environment(environment)
    services = Services.from_settings(Settings.from_environment())
    state = CrashingStore(services.state, nth)
    run_export(with_state(services, state), export, Request("command", "tester"))
