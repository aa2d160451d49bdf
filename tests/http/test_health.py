"""How long health keeps a result."""

from dataclasses import replace
from pathlib import Path

from export_trigger.health import Examiner
from shared import state
from shared.errors import Denied
from tests.support.stores import CountingStore
from tests.support.world import a_world


class ReadOnlyStore(CountingStore):
    """A state that can be read, and written only while `writable`."""

    writable = True

    def called(self, what: str, name: str) -> None:
        super().called(what, name)
        if what == "write" and not self.writable:
            raise Denied(f"{name}: access is denied.")


def test_a_good_result_holds_for_a_minute_and_a_bad_one_for_ten_seconds(tmp_path: Path) -> None:
    """Lost rights show within a minute and returned ones within ten seconds, however often callers ask."""
    with a_world(tmp_path) as world:
        store = ReadOnlyStore(world.services.state)
        examiner = Examiner(replace(world.services, state=store))
        seen = list[int]()
        for writable, seconds in [(True, 0), (False, 59), (False, 2), (True, 9), (True, 2), (False, 59)]:
            store.writable = writable
            world.clock.sleep(seconds)
            seen += {examiner.reply().status for _ in range(5)}

        assert seen == [200, 200, 503, 503, 200, 200]
        assert store.calls.count(("write", state.probe("health"))) == 3
