"""A queue that lives by a made clock, and delivers as the Functions host does."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.adapters.clock import Clock
from shared.runs.work.worker import work_on
from shared.services import Services

# As the host has it: a message is hidden while a function has it, comes back after a failure, and is poison
# at the fifth one.
HIDDEN = timedelta(minutes=10)
AFTER_FAILURE = timedelta(seconds=70)
MOST_FAILURES = 5


@dataclass
class Message:
    text: str
    visible_at: datetime
    deliveries: int = 0


class MadeQueue:
    """Messages in memory; `sent` counts all that were ever sent."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.messages: list[Message] = []
        self.poison: list[str] = []
        self.sent = 0

    def send(self, text: str, delay: float = 0) -> None:
        with self._lock:
            self.sent += 1
            self.messages.append(Message(text, self._clock.now() + timedelta(seconds=delay)))

    def waiting(self) -> int:
        return len(self.messages)

    def poisoned(self) -> int:
        return len(self.poison)

    def visible(self) -> list[Message]:
        now = self._clock.now()
        return [message for message in self.messages if message.visible_at <= now]

    def next_at(self) -> datetime | None:
        """When the next message can be received."""
        return min((message.visible_at for message in self.messages), default=None)

    def deliver(self, function: Callable[[str], None]) -> bool:
        """Lets the function have the message that is visible longest; False where there is none.

        One that the function did not end with, since its process died, comes back like any other.
        """
        with self._lock:
            message = min(self.visible(), key=lambda message: message.visible_at, default=None)
            if message is None:
                return False
            message.visible_at = self._clock.now() + HIDDEN
            message.deliveries += 1
        try:
            function(message.text)
        except Exception:
            message.visible_at = self._clock.now() + AFTER_FAILURE
            if message.deliveries >= MOST_FAILURES:
                self.poison.append(message.text)
                self.messages.remove(message)
        else:
            self.messages.remove(message)
        return True


def work(services: Services, queue: MadeQueue, seconds: float = 480) -> int:
    """Delivers what can be received, one message after the other; how many there were."""
    count = 0
    while queue.deliver(lambda text: work_on(services, queue, text, seconds)):
        count += 1
    return count
