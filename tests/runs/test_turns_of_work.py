"""The work of a tick: what is taken, in which order, and what is given back."""

from dataclasses import replace
from datetime import timedelta

from shared.adapters.clock import Deadline
from shared.runs.work.find import NEVER, Work
from shared.runs.work.tick import ACCOUNTS_AT_ONCE, WAITING
from shared.runs.work.turns import SLICE, Slice, Turns
from tests.support.world import MadeClock


def work(export: str, account: str = "A", advanced: float = 0, wait: float = 0) -> Work:
    """Work that was advanced so many seconds after midnight, and can go on in so many seconds."""
    now = MadeClock().now()
    midnight = now.replace(hour=0, minute=0)
    not_before = now + timedelta(seconds=wait) if wait else NEVER
    return Work(export, account, f"{export}-run", None, midnight + timedelta(seconds=advanced), not_before)


def queue(clock: MadeClock, *found: Work, whole: float = 240, waiting: float = 60) -> Turns:
    return Turns(clock, found, Deadline(clock, whole), Deadline(clock, waiting))


def exports(queued: Turns) -> list[str]:
    """The work in the order in which one thread does it, if nothing is left of any."""
    done = []
    while (each := queued.take()) is not None:
        done.append(each.export)
        queued.give_back(each.account, None)
    return done


def test_the_least_recently_advanced_comes_first() -> None:
    """Of what can go on; a time that is over is none."""
    clock = MadeClock()
    found = [work("b", advanced=2), work("c", advanced=3), work("a", advanced=1, wait=-50)]
    assert exports(queue(clock, *found)) == ["a", "b", "c"]


def test_what_can_go_on_comes_before_what_waits() -> None:
    """Then the one whose time comes first, which is slept for."""
    clock = MadeClock()
    found = [work("late", wait=30), work("soon", wait=10, advanced=9), work("now", advanced=5)]
    queued, before = queue(clock, *found), clock.monotonic()

    assert exports(queued) == ["now", "soon", "late"]
    assert clock.monotonic() - before == 30


def test_waiting_ends_before_the_tick_does() -> None:
    """What comes no sooner than the end of the waiting is left to the next tick; what can go on is not."""
    clock = MadeClock()
    assert exports(queue(clock, work("a", wait=60))) == []
    assert exports(queue(clock, work("a", wait=59))) == ["a"]
    clock = MadeClock()
    queued = queue(clock, work("a"), work("b"))
    clock.sleep(100)
    assert exports(queued) == ["a", "b"]


def test_nothing_is_begun_after_the_time() -> None:
    """Whatever is left."""
    clock = MadeClock()
    queued = queue(clock, work("a"))
    clock.sleep(240)
    assert queued.take() is None


def test_an_account_is_one_thread_s() -> None:
    """Others get work of other accounts, or none, until it is given back."""
    queued = queue(MadeClock(), work("a", "A"), work("b", "A"), work("c", "C"))
    assert queued.accounts() == 2
    first, second = queued.take(), queued.take()
    assert first is not None
    assert second is not None
    assert (first.export, second.export, queued.take()) == ("a", "c", None)

    queued.give_back(first.account, None)

    third = queued.take()
    assert third is not None
    assert third.export == "b"


def test_what_is_left_comes_back_at_its_time() -> None:
    """Behind the others, by the times with which it is given back; what is done does not."""
    clock = MadeClock()
    queued = queue(clock, work("a", advanced=1), work("b", advanced=2))
    first = queued.take()
    assert first is not None
    clock.sleep(5)
    left = replace(first, advanced_at=clock.now(), not_before=clock.now() + timedelta(seconds=15))
    queued.give_back("A", left)
    second = queued.take()
    assert second is not None
    assert second.export == "b"
    queued.give_back("A", None)

    assert queued.take() == left
    assert clock.monotonic() == 20
    queued.give_back("A", None)
    assert queued.take() is None


def test_a_run_has_a_minute_and_four_accounts_a_thread() -> None:
    """As docs/architecture.md says."""
    assert (SLICE, WAITING, ACCOUNTS_AT_ONCE) == (60, 60, 4)


def a_slice(clock: MadeClock, *, whole: float = 240, waits: bool = True) -> tuple[Slice, list[float]]:
    """A turn's time, and when it was asked whether somebody waits."""
    asked: list[float] = []

    def somebody_waits() -> bool:
        asked.append(clock.monotonic())
        return waits

    return Slice(clock, Deadline(clock, whole), somebody_waits), asked


def test_a_turn_goes_on_while_nobody_waits() -> None:
    """To the end of the whole; from a minute on it looks every ten seconds whether somebody does."""
    clock = MadeClock()
    turn, asked = a_slice(clock, waits=False)
    lefts = []
    for _ in range(240):
        lefts.append(turn.left())
        clock.sleep(1)
    assert set(lefts[:181]) == {60.0}
    assert lefts[181:] == list(range(59, 0, -1))
    assert turn.left() == 0
    assert asked == list(range(60, 250, 10))


def test_a_turn_ends_after_a_minute_where_somebody_waits() -> None:
    """And stays over."""
    clock = MadeClock()
    turn, asked = a_slice(clock)
    clock.sleep(59)
    assert turn.left() == 60
    clock.sleep(1)
    assert turn.left() == 0
    clock.sleep(100)
    assert (turn.left(), asked) == (0, [60])


def test_a_turn_that_meets_who_waits_later_ends_then() -> None:
    """Within ten seconds."""
    clock = MadeClock()
    waiting: list[bool] = []
    turn = Slice(clock, Deadline(clock, 240), lambda: bool(waiting))
    clock.sleep(100)
    assert turn.left() == 60
    waiting.append(True)
    clock.sleep(9)
    assert turn.left() == 60
    clock.sleep(1)
    assert turn.left() == 0


def test_who_waits_for_an_account() -> None:
    """Work of the same account that can go on, and of others that nobody has; not what has to wait itself."""
    found = [work("a", "A"), work("b", "A", wait=30), work("c", "C"), work("d", "D")]
    queued = queue(clock := MadeClock(), *found)
    assert queued.somebody_waits("A")
    for _ in range(3):
        queued.take()
    assert [each.export for each in queued.left()] == ["b"]
    assert not queued.somebody_waits("A")
    clock.sleep(30)
    assert queued.somebody_waits("A")
    assert not queued.somebody_waits("C")


def test_a_paused_run_waits_for_nobody() -> None:
    """Its pause may last for days: it cuts no other run."""
    queued = queue(MadeClock(), work("a", "A"), replace(work("b", "A"), paused=True))
    assert queued.take() is not None
    assert not queued.somebody_waits("A")


def test_what_is_asked_for_meanwhile_is_work_too() -> None:
    """From the next look on whether somebody waits."""
    clock = MadeClock()
    news = [[work("b", "A")], []]
    queued = Turns(clock, [work("a", "A")], Deadline(clock, 240), Deadline(clock, 60), lambda: news.pop(0))
    assert queued.take() is not None
    assert queued.somebody_waits("A")
    assert [each.export for each in queued.left()] == ["b"]


def test_a_run_that_is_asked_for_again_is_one() -> None:
    """Nobody waits for it but itself: the run that has its turn is cut for nobody's sake."""
    clock = MadeClock()
    found = [work("a", "A"), work("b", "A", wait=30)]
    news = [[work("a", "A"), work("b", "A", wait=20)], [work("a", "A")], []]
    queued = Turns(clock, found, Deadline(clock, 240), Deadline(clock, 60), lambda: news.pop(0))
    taken = queued.take()
    assert taken is not None
    assert [queued.somebody_waits("A") for _ in range(3)] == [False] * 3
    assert queued.left() == [work("b", "A", wait=20)]
    clock.sleep(20)
    queued.give_back("A", None)
    assert [each.export for each in queued.left()] == ["b"]


def test_a_run_that_is_asked_for_in_its_turn_has_another() -> None:
    """At the time that was asked for: what it was asked for may have come when it no longer looked."""
    clock = MadeClock()
    news = [[work("a", "A")]]
    queued = Turns(clock, [work("a", "A")], Deadline(clock, 240), Deadline(clock, 60), lambda: news.pop(0))
    taken = queued.take()
    assert taken is not None
    assert not queued.somebody_waits("A")
    queued.give_back("A", replace(taken, not_before=clock.now() + timedelta(seconds=50)))
    assert queued.take() is not None
    assert clock.monotonic() == 0
    queued.give_back("A", replace(taken, not_before=clock.now() + timedelta(seconds=50)))
    assert queued.take() is not None
    assert clock.monotonic() == 50
