"""Checks, right before each post, whether it may be sent."""

from contextlib import suppress
from typing import override

from shared import state
from shared.adapters.storage.store import Store
from shared.errors import AlreadyExists, ExportError, NotFound, TryLater
from shared.klaviyo import Permit
from shared.runs.holder import ConnectionRemoved, Holder
from shared.runs.lock.lease import RenewedLease
from shared.runs.run import PAUSED_AGAIN
from shared.services import Services


class NewerSnapshot(ExportError):
    """A newer snapshot exists, which decides who has left."""


class Canceled(ExportError):
    """The run was canceled."""

    code = "canceled"


class RunPermit(Permit):
    """Checks everything that can forbid a post of a run."""

    def __init__(self, holder: Holder, account: RenewedLease) -> None:
        self._holder = holder
        self._account = account

    @override
    def check(self) -> None:
        """Raises LeaseLost, Canceled and ConnectionRemoved; TryLater if exports are paused."""
        services = self._holder.services
        if is_cancel_requested(services.state, self._holder.run.record.id):
            raise Canceled("Somebody canceled the run.")
        try:
            pause = pause_of(services, self._holder.plan.export.connection)
        except NotFound as error:
            raise ConnectionRemoved(error.message) from None
        if pause is not None:
            raise TryLater(pause, code="paused", retry_after=PAUSED_AGAIN.total_seconds())
        # Last, since the checks above take time.
        self._account.check()
        self._holder.lock.check()


def pause_of(services: Services, connection_id: str | None) -> str | None:
    """The cause that pauses exports over a connection, as a message; None if nothing does."""
    if services.settings.exports_paused:
        return "Exports are paused by EXPORTS_PAUSED."
    if services.catalog.connection(connection_id).paused:
        return f"The connection {connection_id!r} is paused."
    return None


def request_cancel(store: Store, run_id: str) -> None:
    """Asks the holder of the run to end it."""
    with suppress(AlreadyExists):
        store.write(state.cancel(run_id), b"", create_only=True)


def is_cancel_requested(store: Store, run_id: str) -> bool:
    try:
        store.stat(state.cancel(run_id))
    except NotFound:
        return False
    return True
