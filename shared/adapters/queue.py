"""A queue of Azure Storage, to which this project sends; the Functions host receives."""

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from azure.core.credentials import AzureNamedKeyCredential, TokenCredential
    from azure.storage.queue import QueueClient

# The suffix of the queue for messages whose function failed as often as host.json allows.
POISON = "-poison"
# Seconds of each of two tries, and between them. A caller over HTTP waits for all of it, at most 5. If a
# message can't be sent, the timer finds its work.
_PATIENCE = 2
_PAUSE = 1


class Queue(Protocol):
    """Messages arrive at least once, in any order."""

    def send(self, text: str, delay: float = 0) -> None:
        """Sends a text of at most 48 KB, which is not received before `delay` seconds have passed.

        Raises StorageUnavailable, Denied, InvalidRequest.
        """

    def waiting(self) -> int:
        """About how many messages are in the queue. Raises StorageUnavailable, Denied."""

    def poisoned(self) -> int:
        """About how many messages have failed for good. Raises StorageUnavailable, Denied."""


class AzureQueue:
    """`url` is `https://<account>/<queue>`; for an emulator on loopback, the path begins with the account.

    Texts are sent in base64, as the host's queue triggers expect. A missing queue is created.
    """

    def __init__(self, url: str, credential: "TokenCredential | AzureNamedKeyCredential") -> None:
        from azure.storage.queue import LinearRetry, QueueClient, TextBase64EncodePolicy

        def client(address: str) -> QueueClient:
            return QueueClient.from_queue_url(
                address,
                credential,
                message_encode_policy=TextBase64EncodePolicy(),
                connection_timeout=_PATIENCE,
                read_timeout=_PATIENCE,
                retry_policy=LinearRetry(backoff=_PAUSE, retry_total=1, random_jitter_range=0),
            )

        self._queue = client(url)
        self._poison = client(url + POISON)

    def send(self, text: str, delay: float = 0) -> None:
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

        from shared.adapters.azure_errors import azure_errors

        seconds = math.ceil(delay) or None
        with azure_errors("The queue"):
            try:
                self._queue.send_message(text, visibility_timeout=seconds)
            except ResourceNotFoundError:
                with suppress(ResourceExistsError):
                    self._queue.create_queue()
                self._queue.send_message(text, visibility_timeout=seconds)

    def waiting(self) -> int:
        return _count(self._queue)

    def poisoned(self) -> int:
        return _count(self._poison)


def _count(queue: "QueueClient") -> int:
    """About how many messages there are; 0 if the queue does not exist."""
    from azure.core.exceptions import ResourceNotFoundError

    from shared.adapters.azure_errors import azure_errors

    with azure_errors("The queue"):
        try:
            return queue.get_queue_properties().approximate_message_count or 0
        except ResourceNotFoundError:
            return 0


def open_queue(url: str) -> Queue:
    """The queue at an https URL, with the identity of this process, or at an emulator's http URL."""
    from shared.adapters.credential import storage_credential

    return AzureQueue(url, storage_credential(url))
