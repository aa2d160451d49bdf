"""A lease on a blob in Azure."""

from contextlib import suppress
from uuid import uuid4

from azure.storage.blob import BlobClient, BlobLeaseClient

from shared.adapters.azure_errors import azure_errors
from shared.errors import LeaseLost, NotFound, StorageUnavailable

LEASE_SECONDS = 60


class BlobLease:
    """Azure's own lease, which ends by itself 60 seconds after the last renewal."""

    def __init__(self, name: str, patient: BlobClient, short: BlobClient) -> None:
        """Acquires the lease. Raises AlreadyRunning, NotFound."""
        self._name = name
        self._id = str(uuid4())
        self._short = short
        # We choose the id, so a retry after a lost answer finds its own lease and succeeds.
        with azure_errors(name):
            BlobLeaseClient(patient, self._id).acquire(LEASE_SECONDS)

    def held(self) -> BlobLeaseClient:
        """Azure's client of the lease; a new one each time, since a client forgets its id at a release."""
        return BlobLeaseClient(self._short, self._id)

    def renew(self) -> None:
        with azure_errors(self._name):
            self.held().renew()

    def release(self) -> None:
        # If the storage doesn't answer, the lease soon ends by itself.
        with suppress(LeaseLost, NotFound, StorageUnavailable), azure_errors(self._name):
            self.held().release()
