"""Batches on their way side by side, when one of them meets an error."""

from concurrent.futures import Future

import pytest

from sandbox.klaviyo import Fault
from shared.adapters.clock import Deadline
from shared.errors import (
    AlreadyRunning,
    Denied,
    ExportError,
    KlaviyoUnavailable,
    LeaseLost,
    StorageUnavailable,
    TryLater,
)
from shared.runs.advance import run
from shared.runs.starting import Request
from shared.runs.steps.permit import Canceled
from shared.runs.steps.send import _gravest
from tests.support.small_batches import small_batches
from tests.support.world import SlowClock, World


def posts(world: World) -> list[int]:
    """The statuses of the answers to posts."""
    return [request.status for request in world.stand_in.requests if request.method == "POST"]


def test_a_failure_ends_the_sending_of_the_others(world: World) -> None:
    """Those that wait for Klaviyo's pause stop waiting, and nothing more is posted."""
    world.segment(small_batches(4), partitions=1)
    world.stand_in.faults.add([Fault("error", method="POST", status=409)])
    world.stand_in.faults.add([Fault("error", method="POST", status=429, retry_after=60, nth=None)])
    deadline = Deadline(SlowClock(world.clock), 1200)
    before = world.clock.monotonic()

    record = run(world.services, "vip", Request("command", "tester"), deadline)

    assert record.error is not None
    assert (record.status, record.error.code) == ("failed", "request_refused")
    assert sorted(posts(world))[0] == 409
    assert len(posts(world)) <= 4
    assert world.clock.monotonic() - before < 60
    assert world.members() == set()


def flying(*errors: BaseException | None) -> set[Future[None]]:
    """Futures that are done; with an error, or well."""
    futures: set[Future[None]] = {Future() for _ in errors}
    for future, error in zip(futures, errors, strict=True):
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
    return futures


LOST, RUNNING, CANCELED = LeaseLost("l"), AlreadyRunning("r"), Canceled("c")
DENIED, AWAY, BUG = Denied("d"), StorageUnavailable("s"), ZeroDivisionError()
SOON, LATE = KlaviyoUnavailable("k", retry_after=5), TryLater("t", retry_after=300)


@pytest.mark.parametrize(
    ("error", "others", "decides"),
    [
        (DENIED, [], DENIED),
        (DENIED, [None, None], DENIED),
        # Who has lost the export may write nothing more, whatever else went wrong.
        (AWAY, [DENIED, CANCELED, LOST], LOST),
        (LOST, [CANCELED, DENIED], LOST),
        # A person's wish comes before a failure, and both before what passes.
        (AWAY, [DENIED, CANCELED], CANCELED),
        (DENIED, [CANCELED], CANCELED),
        (SOON, [DENIED, LATE], DENIED),
        (DENIED, [LATE], DENIED),
        # Of what passes, the longest wait.
        (SOON, [LATE, AWAY], LATE),
        (LATE, [SOON], LATE),
        (AWAY, [None, SOON], SOON),
        (AWAY, [], AWAY),
        # A bug is told where nothing else decides.
        (BUG, [SOON], BUG),
        (BUG, [DENIED], DENIED),
        (BUG, [LOST], LOST),
    ],
)
def test_the_gravest_error_decides(
    error: BaseException, others: list[ExportError | None], decides: BaseException
) -> None:
    """Whichever of them was met first."""
    assert _gravest(error, flying(*others)) is decides


def test_what_is_still_flying_decides_nothing() -> None:
    """Only errors that are known count."""
    assert _gravest(AWAY, {Future()}) is AWAY
