"""The storage of a queue trigger: its queue, and its poison queue for messages that keep failing.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger#connections
"""

import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import LinearRetry, QueueClient, QueueMessage

from sandbox.functions_host.engine import Function
from sandbox.functions_host.errors import HostError
from sandbox.functions_host.settings import resolved
from shared.adapters.credential import storage_credential
from shared.adapters.telemetry import quiet_libraries
from shared.errors import InvalidSettings

_POISON = "-poison"
_NAME = re.compile(r"(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*")
_log = logging.getLogger(__name__)


class QueueStorage:
    """A queue and its poison queue; neither needs to exist. Texts are unchanged from storage.

    A queue that is itself a poison queue, or whose name is too long for one, has no poison queue.
    Every method except the constructor waits for storage, and raises AzureError.
    """

    def __init__(self, queue: QueueClient, poison: QueueClient | None) -> None:
        self.name: str = queue.queue_name
        self._queue = queue
        self._poison = poison

    def receive(self, most: int, seconds: int) -> Sequence[QueueMessage]:
        """Takes up to `most` messages (32), each hidden from others for `seconds`."""
        pages = self._queue.receive_messages(messages_per_page=most, visibility_timeout=seconds).by_page()
        return list(next(pages, ()))

    def hide(self, message: QueueMessage, seconds: int) -> None:
        """Hides a message for `seconds` from now; with 0, any process can take it."""
        changed = self._queue.update_message(message.id, message.pop_receipt, visibility_timeout=seconds)
        message.pop_receipt = changed.pop_receipt

    def release(self, message: QueueMessage, seconds: int) -> None:
        """Releases a failed message; without a poison queue it stays hidden, or it would fail forever."""
        if self._poison is not None:
            self.hide(message, seconds)

    def delete(self, message: QueueMessage) -> None:
        self._queue.delete_message(message.id, message.pop_receipt)

    def move(self, message: QueueMessage) -> None:
        """Moves a message to the poison queue, which is created if it is missing."""
        if self._poison is None:
            return
        try:
            self._poison.send_message(message.content)
        except ResourceNotFoundError:
            with suppress(ResourceExistsError):
                self._poison.create_queue()
            self._poison.send_message(message.content)
        self.delete(message)
        _log.warning("A message of the queue %s is now in %s.", self.name, self._poison.queue_name)


def reason(error: AzureError) -> str:
    """The cause, without the error's own message, which contains the URL."""
    if isinstance(error, HttpResponseError) and error.status_code:
        return f"storage answered {error.status_code} {getattr(error, 'error_code', None) or ''}".strip()
    return f"no answer from storage, {type(error).__name__}"


def is_gone(error: AzureError) -> bool:
    """Whether a message has been deleted or taken by another in the meantime, or its queue deleted."""
    return isinstance(error, HttpResponseError) and error.status_code in (400, 404)


def queues_of(function: Function, environment: Mapping[str, str]) -> QueueStorage:
    """The storage of a function's trigger, from the settings that its `queueName` and `connection` name.

    Raises HostError, which names the function and the setting, never a setting's value.
    """
    text = function.trigger["queueName"]
    try:
        name = resolved(text, environment).lower()
    except KeyError as missing:
        raise HostError(
            f"The queue of {function.name} is in the setting {missing.args[0]}, which is not set."
        ) from None
    if not _NAME.fullmatch(name):
        raise HostError(f"The queue of {function.name} does not have a valid name: {text}")
    quiet_libraries()  # Azure's libraries log the URL of each request.
    connection = function.trigger.get("connection") or "AzureWebJobsStorage"
    poison = name + _POISON
    has_poison = not name.endswith(_POISON) and _NAME.fullmatch(poison)
    return QueueStorage(
        _client(function.name, connection, name, environment),
        _client(function.name, connection, poison, environment) if has_poison else None,
    )


def _client(function: str, connection: str, name: str, environment: Mapping[str, str]) -> QueueClient:
    options: dict[str, Any] = {
        # One immediate retry, because a kept connection might have been closed; the next poll is another.
        "retry_policy": LinearRetry(backoff=0, retry_total=1, random_jitter_range=0),
        "connection_timeout": 5,
        "read_timeout": 5,  # the host might wait for it when it ends
    }
    uri, account = f"{connection}__queueServiceUri", f"{connection}__accountName"
    setting = next((setting for setting in (uri, account, connection) if environment.get(setting)), None)
    if setting is None:
        raise HostError(f"The storage of {function} is not set. Set {uri}, {account} or {connection}.")
    value = environment[setting]
    try:
        if setting == connection:
            return QueueClient.from_connection_string(value, name, **options)
        url = value if setting == uri else f"https://{value}.queue.core.windows.net"
        return QueueClient(url, name, storage_credential(url), **options)
    except (ValueError, InvalidSettings):
        form = {connection: "a connection string", account: "a name"}.get(
            setting, "https, or http on loopback"
        )
        raise HostError(f"The setting {setting} is not valid. It must be {form}.") from None
