"""Pacing: never more in a window than Klaviyo allows, and never a wait beyond the deadline."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.adapters.clock import Deadline
from shared.errors import KlaviyoUnavailable
from shared.klaviyo.limits import AccountLimits, Limiter, M
from tests.support.world import MadeClock


@pytest.fixture
def clock() -> MadeClock:
    return MadeClock()


def times(limiter: Limiter, clock: MadeClock, count: int) -> list[float]:
    """When each of so many requests went out, in seconds."""
    deadline = Deadline(clock, 10_000)
    out = []
    for _ in range(count):
        limiter.wait(deadline)
        out.append(clock.monotonic())
    return out


def test_no_window_holds_more_than_its_number(clock: MadeClock) -> None:
    """10 in any second and 150 in any minute, wherever the window begins."""
    out = times(Limiter(clock, M), clock, 400)

    assert all(later - earlier >= 1 for earlier, later in zip(out, out[10:], strict=False))
    assert all(later - earlier >= 60 for earlier, later in zip(out, out[150:], strict=False))
    assert out[149] < 16
    assert out[399] < 160


def test_limits_are_learnt_from_the_answers(clock: MadeClock) -> None:
    """An account of a larger tier goes faster from its first answer on, one of a smaller slower."""
    limiter = Limiter(clock, M)
    limiter.learn({"ratelimit-limit": "3, 3;w=1, 60;w=60"})

    out = times(limiter, clock, 61)

    assert 1 <= out[3] < 1.1
    assert out[59] < 21
    assert out[60] >= 60


@pytest.mark.parametrize(
    "header",
    [
        *("", "10", "0, 0;w=0", "a;w=b", "10;w=", "-1;w=-1", "-20;w=1", "2.50;w=1"),
        *("0;w=1, 0;w=60", "1;w=60", "1000000;w=1", "351;w=1, 3501;w=60", "99999999999;w=1"),
        *("1;w=1000000", "1;w=3600", "1;w=2", "1000000;w=1000000", "\u0663\u0665;w=1", "9" * 50_000),
    ],
    ids=lambda header: header[:30],
)
def test_headers_that_say_nothing_change_nothing(clock: MadeClock, header: str) -> None:
    """What can't be understood, or is beyond all of Klaviyo's tiers, is no limit and no freedom."""
    limiter = Limiter(clock, M)
    for _ in range(3):
        limiter.learn({"ratelimit-limit": header})

    out = times(limiter, clock, 151)
    assert 1 <= out[10] < 1.1
    assert 60 <= out[150] < 63


def test_a_window_that_is_left_out_stays(clock: MadeClock) -> None:
    """An answer that shows the burst only doesn't lift the steady limit."""
    limiter = Limiter(clock, M)
    limiter.learn({"ratelimit-limit": "350, 350;w=1"})

    assert times(limiter, clock, 151)[150] >= 60


def test_an_account_has_one_pause(clock: MadeClock) -> None:
    """What Klaviyo asks of one endpoint holds for reads and posts alike."""
    limits = AccountLimits(clock)
    limits["list"].pause(30)

    assert times(limits["import"], clock, 1)[0] >= 30


def test_a_pause_holds_everybody_back(clock: MadeClock) -> None:
    """After a 429 nothing goes out before its time, and a shorter pause does not cut a longer one."""
    limiter = Limiter(clock, M)
    limiter.pause(30)
    limiter.pause(5)

    assert times(limiter, clock, 1)[0] >= 30


def test_a_wait_beyond_the_deadline_is_no_wait(clock: MadeClock) -> None:
    """Who has not the time is told at once how long it would take, and that nothing was sent."""
    limiter = Limiter(clock, M)
    limiter.pause(30)

    with pytest.raises(KlaviyoUnavailable) as caught:
        limiter.wait(Deadline(clock, 20))

    assert caught.value.retry_after == 30
    assert not caught.value.sent
    assert clock.monotonic() == 0


def test_threads_share_the_windows(clock: MadeClock) -> None:
    """Eight threads together get no more than one would."""
    limiter = Limiter(clock, M)
    deadline = Deadline(clock, 10_000)

    def go(_: int) -> float:
        limiter.wait(deadline)
        return clock.monotonic()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(go, range(150)))

    assert limiter._take() > 0
