"""The same story in the past week, for the page, with a second export."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cli.demo import story
from cli.demo.ground import LEFT, NEW, PEOPLE, write_documents, write_refresh
from cli.options import operator
from cli.terminal.live import WatchedClock
from cli.terminal.output import print_line
from sandbox.people import People
from sandbox.sample import write_segment
from shared.adapters.clock import Deadline
from shared.administration import exports
from shared.runs.advance import run
from shared.runs.record import RunRecord
from shared.runs.starting import Request
from shared.services import Services

if TYPE_CHECKING:
    from sandbox.klaviyo import StandIn

SECONDS = 60
QUIET_DAYS = (5, 4, 3, 2)
# People who leave the first segment, and join it, on each quiet day.
FEW_LEFT, FEW_NEW = 20, 45
NEWSLETTER_LIST, READERS_SEGMENT = "NwsLtr", "NewsletterReaders"
NEWSLETTER = {
    "id": "newsletter",
    "display_name": "Newsletter",
    "connection": "sandbox",
    "segments": [READERS_SEGMENT],
    "list_id": NEWSLETTER_LIST,
    "match": {"email": "EMail"},
    "attributes": {"first_name": "FirstName", "last_name": "LastName"},
    "schedule": {"active": True, "when": {"cron": "0 6 * * *", "timezone": "Europe/Berlin"}},
}
READERS, FIRST_READER = 700, 100_000
# The day on which their addresses have the faults of real files.
WITH_DIRT = 4


class PastClock(WatchedClock):
    """A clock that is behind by a set time. Sleeping does not wait: it moves the clock forward."""

    def __init__(self) -> None:
        super().__init__()
        self._behind = timedelta()
        self._skipped = 0.0

    def set_back(self, behind: timedelta) -> None:
        """Sets the wall clock; a caller sets it back by less each time."""
        self._behind = behind

    def now(self) -> datetime:
        return super().now() - self._behind

    def epoch(self) -> float:
        """The same in seconds, for the stand-in."""
        return self.now().timestamp()

    def monotonic(self) -> float:
        return super().monotonic() + self._skipped

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._behind -= timedelta(seconds=seconds)
            self._skipped += seconds


class Week:
    """The past seven days of two exports."""

    def __init__(self, services: Services, clock: PastClock, stand_in: "StandIn") -> None:
        self._services = services
        self._clock = clock
        self._stand_in = stand_in

    def tell(self) -> RunRecord:
        """The whole week, up to now; returns the record of the first run."""
        record = story.begin(self._services, self._stand_in, self._at(7))
        self._add_newsletter()
        story.refresh(self._services, self._stand_in, self._at(6))
        self._send_newsletter(6)
        print_line("")
        print_line("Four quiet days follow. Then the list of a second export, newsletter, is deleted.")
        for number, day in enumerate(QUIET_DAYS, start=1):
            left, new = number * FEW_LEFT, number * FEW_NEW
            write_refresh(self._services, LEFT + left, PEOPLE + NEW + new, self._at(day))
            self._run("vip")
            self._send_newsletter(day)
        self._lose_newsletter()
        left = LEFT + len(QUIET_DAYS) * FEW_LEFT
        story.lose_most(self._services, self._stand_in, self._at(0, hours=2), left)
        self._clock.set_back(timedelta())
        return record

    def _add_newsletter(self) -> None:
        """Its list is in the same account."""
        account = self._stand_in.accounts["SNDBOX"]
        self._stand_in.add_list(account, "Newsletter", NEWSLETTER_LIST)
        write_documents(self._services, {"exports/newsletter.json": NEWSLETTER})

    def _send_newsletter(self, day: int) -> None:
        """An hour after the first export, with some more readers than the day before."""
        refreshed = self._at(day, hours=-1)
        readers = People(READERS - 30 * day, dirt=day == WITH_DIRT, start=FIRST_READER)
        write_segment(
            self._services.segment_store, READERS_SEGMENT, readers, refreshed=refreshed, partitions=1
        )
        self._run("newsletter")

    def _lose_newsletter(self) -> None:
        """Its list is deleted, so its run fails, and an operator deactivates it."""
        self._stand_in.remove_list(NEWSLETTER_LIST)
        self._send_newsletter(1)
        exports.activate(self._services, operator(), "newsletter", active=False)

    def _at(self, days: int, hours: int = 0) -> datetime:
        """Sets the clock back, and returns when the segment's refresh ended: just before."""
        self._clock.set_back(timedelta(days=days, hours=hours))
        return self._clock.now() - timedelta(minutes=2)

    def _run(self, export: str) -> None:
        """Runs it as the timer does."""
        deadline = Deadline(self._clock, SECONDS, after_progress=True)
        run(self._services, export, Request("schedule", "timer"), deadline)
