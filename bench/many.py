"""Table 7: many accounts at once, and many exports with nothing to do."""

import json
import time
from collections import Counter

from bench.ground import (
    Ground,
    documents,
    documents_of_accounts,
    keys_of_accounts,
    lay_out,
    write_documents,
    write_secrets,
)
from bench.measure import measure, python
from bench.output import show
from bench.stand_in import POSTS, running_stand_in
from shared.runs.work.tick import tick
from shared.services import Services
from shared.settings import Settings
from tests.support.azurite import running_azurite
from tests.support.stores import counted

ACCOUNTS = 10
PEOPLE = 100_000
EXPORTS = 200


def main(ground: Ground) -> None:
    _accounts(ground)
    rows = [
        _idle(ground, "folder", f"file:{ground.folder}/idle-segments", f"file:{ground.folder}/idle-state")
    ]
    with running_azurite() as azurite:
        rows.append(_idle(ground, "Azurite", azurite.container(), azurite.container()))
    show(f"A tick over {EXPORTS} exports with nothing due", ("store", "ms", "storage calls"), rows)


def _accounts(ground: Ground) -> None:
    """Every account has an export of its own, all of them due, and the timer has one tick after the other."""
    with running_stand_in("--accounts", str(ACCOUNTS)) as klaviyo:
        environment = ground.environment(ground.segment(PEOPLE), klaviyo.url)
        write_documents(environment["STATE_URL"], documents_of_accounts(ACCOUNTS))
        write_secrets(ground.folder / "accounts.json", keys_of_accounts(ACCOUNTS))
        environment["SECRETS_FILE"] = str(ground.folder / "accounts.json")
        taken = measure(python("ticks"), environment)
        statuses = Counter(request["status"] for request in klaviyo.requests(POSTS))
    outcome = json.loads(taken.output)
    if outcome["imported"] != ACCOUNTS * PEOPLE:
        raise AssertionError(f"{outcome['imported']} were imported")
    columns = ("accounts", "profiles", "ticks", "wall s", "CPU s", "peak MB", "posts", "429s")
    numbers = (
        f"{taken.wall:.1f}",
        f"{taken.cpu:.1f}",
        f"{taken.peak_mb:.0f}",
        statuses.total(),
        statuses[429],
    )
    show("Many accounts", columns, [(ACCOUNTS, f"{ACCOUNTS * PEOPLE:,}", outcome["ticks"], *numbers)])


def _idle(ground: Ground, name: str, segments_url: str, state_url: str) -> tuple[object, ...]:
    lay_out(segments_url, 100)
    export = documents()["exports/vip.json"]
    exports = {f"exports/e{n}.json": export | {"id": f"e{n}"} for n in range(EXPORTS - 1)}
    environment = ground.environment(segments_url, "http://127.0.0.1:1", state_url)
    write_documents(state_url, exports)
    services = Services.from_settings(Settings.from_environment(environment))
    services, state, segments = counted(services)
    for _ in range(2):  # the first sight of each, then nothing
        tick(services, 240)
    calls = len(state.calls) + len(segments.calls)
    started = time.perf_counter()
    tick(services, 240)
    taken = time.perf_counter() - started
    services.klaviyo.close()
    return name, f"{taken * 1000:.0f}", len(state.calls) + len(segments.calls) - calls
