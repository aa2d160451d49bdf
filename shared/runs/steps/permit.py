"""May this post go out? Asked right before each one."""

from typing import override

from shared.errors import ExportError, TryLater
from shared.klaviyo import Permit
from shared.runs.lock.export import ExportLock
from shared.runs.lock.lease import RenewedLease
from shared.runs.steps.parts import is_cancel_requested
from shared.services import Services

# Seconds until a paused connection is looked at again.
PAUSED_AGAIN = 60.0


class Canceled(ExportError):
    """Somebody asked for the run to end."""

    code = "canceled"


class RunPermit(Permit):
    """Everything that can forbid a post of a run while it sends."""

    def __init__(
        self, hold: ExportLock, services: Services, connection_id: str, account: RenewedLease
    ) -> None:
        self._hold = hold
        self._services = services
        self._connection_id = connection_id
        self._account = account

    @override
    def check(self) -> None:
        """Raises LeaseLost, Canceled, or TryLater where exports are paused."""
        if is_cancel_requested(self._hold.store, self._hold.run.record.id):
            raise Canceled("Somebody cancelled the run.")
        if self._services.settings.exports_paused:
            raise TryLater("Exports are paused by EXPORTS_PAUSED.", code="paused", retry_after=PAUSED_AGAIN)
        if self._services.catalog.connection(self._connection_id).paused:
            raise TryLater(
                f"The connection {self._connection_id!r} is paused.", code="paused", retry_after=PAUSED_AGAIN
            )
        # Last, since what stands before it takes time.
        self._account.check()
        self._hold.check()
