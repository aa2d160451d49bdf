"""Queue triggers: process the messages of an Azure Storage queue.

Sources: https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger, and for
the rest the real extension, QueueListener and QueueProcessor in github.com/Azure/azure-sdk-for-net.
"""

import asyncio
import binascii
import logging
import random
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from azure.core.exceptions import AzureError
from azure.storage.queue import QueueMessage

from sandbox.functions_host import engine
from sandbox.functions_host.engine import Outcome
from sandbox.functions_host.queue_storage import QueueStorage, is_gone, reason
from sandbox.functions_host.settings import QueueSettings

Fire = Callable[[str, Mapping[str, Any]], "asyncio.Task[Outcome]"]
_log = logging.getLogger(__name__)


class QueueTrigger:
    """Takes a queue's messages and runs the function with each, concurrently.

    `fire` starts the function with a text and its metadata. A taken message is hidden for `lease` seconds and
    renewed at half time, so it reappears if this process dies. `first_pause` is the shortest wait between two
    polls, in seconds. Up to batchSize + newBatchThreshold functions run at once; synchronous ones beyond
    PYTHON_THREADPOOL_THREAD_COUNT, which all functions share, wait for a thread while their message is taken.
    """

    def __init__(
        self,
        storage: QueueStorage,
        fire: Fire,
        settings: QueueSettings,
        *,
        lease: int,
        first_pause: float = 0.1,
    ) -> None:
        self.name = storage.name
        self._storage = storage
        self._fire = fire
        self._settings = settings
        self._lease = lease
        self._first_pause = first_pause
        self._trouble: str | None = None
        self._processing: dict[asyncio.Task[None], asyncio.Task[Outcome] | None] = {}

    async def run(self) -> None:
        """Never returns; cancel it, await it, then call `end`. Returns messages in transit to the queue."""
        empty = 0
        while True:
            messages = await self._take()
            for message in messages:
                task = asyncio.create_task(self._process(message))
                self._processing[task] = None
                task.add_done_callback(self._processing.pop)
            if not messages:
                jitter = random.uniform(0.8, 1.2)  # noqa: S311 - no secret
                longest = self._settings.max_polling_interval
                await asyncio.sleep(pause(empty, self._first_pause, longest, jitter))
            empty = 0 if messages else empty + 1
            while len(self._processing) > self._settings.new_batch_threshold:
                await asyncio.wait(self._processing, return_when=asyncio.FIRST_COMPLETED)

    async def end(self) -> None:
        """Settles the messages whose functions have ended; the others reappear when their lease ends."""
        for task, invocation in self._processing.items():
            if invocation is not None and not invocation.done():
                task.cancel()
        await asyncio.gather(*self._processing, return_exceptions=True)

    async def _take(self) -> Sequence[QueueMessage]:
        most = self._settings.batch_size
        receiving = asyncio.create_task(asyncio.to_thread(self._storage.receive, most, self._lease))
        try:
            messages = await asyncio.shield(receiving)
        except asyncio.CancelledError:
            with suppress(AzureError):
                for message in await receiving:
                    await asyncio.to_thread(self._storage.hide, message, 0)
            raise
        except AzureError as error:
            if self._trouble != (trouble := reason(error)):
                _log.warning("The queue %s can't be read (%s). Polling continues.", self.name, trouble)
            self._trouble = trouble
            return ()
        if self._trouble is not None:
            _log.info("The queue %s can be read again.", self.name)
        self._trouble = None
        return messages

    async def _process(self, message: QueueMessage) -> None:
        settle = await self._run(message)
        try:
            await asyncio.to_thread(settle, message)
        except AzureError as error:
            _log.warning(
                "A message of the queue %s might come again: it was not settled (%s).",
                self.name,
                reason(error),
            )

    async def _run(self, message: QueueMessage) -> Callable[[QueueMessage], None]:
        """Runs the function with a message, and returns the call that settles the message."""
        count, most = message.dequeue_count or 0, self._settings.max_dequeue_count
        if count > most:  # it ended the process each time, so it never failed
            return self._storage.move
        content = message.content or ""
        try:
            succeeded = await self._invoke(message, _decoded(content) if self._settings.base64 else content)
        except binascii.Error:
            return self._storage.move
        except UnicodeDecodeError:
            succeeded = False  # the real host can't make the function's argument, and counts it as failed
        if succeeded:
            return self._storage.delete
        if count == most:
            return self._storage.move
        return partial(self._storage.release, seconds=self._settings.visibility_timeout)

    async def _invoke(self, message: QueueMessage, text: str) -> bool:
        invocation = self._fire(text, _metadata(message))
        if task := asyncio.current_task():
            self._processing[task] = invocation
        seconds: float | None = self._lease / 2
        while not (await asyncio.wait({invocation}, timeout=seconds))[0]:
            seconds = await self._renew(message)
        return invocation.result().succeeded

    async def _renew(self, message: QueueMessage) -> float | None:
        """Returns the seconds until the next renewal; None if the message is no longer ours."""
        try:
            await asyncio.to_thread(self._storage.hide, message, self._lease)
        except AzureError as error:
            return None if is_gone(error) else self._lease / 10
        return self._lease / 2


def _metadata(message: QueueMessage) -> dict[str, Any]:
    return engine.queue_metadata(
        Id=message.id,
        DequeueCount=message.dequeue_count,
        PopReceipt=message.pop_receipt,
        InsertionTime=message.inserted_on,
        ExpirationTime=message.expires_on,
        NextVisibleTime=message.next_visible_on,
    )


def pause(empty: int, first: float, longest: float, jitter: float) -> float:
    """Seconds to wait after an empty poll that follows `empty` others; `jitter` is a factor of about 1."""
    step = first * 2.0 ** min(empty - 1, 60) * jitter if empty else 0.0
    return min(longest, first + step)


def _decoded(content: str) -> str:
    """Raises binascii.Error or UnicodeDecodeError; white space is ignored, as .NET does."""
    return b64decode("".join(content.split()).encode(), validate=True).decode()
