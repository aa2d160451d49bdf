"""Table 4: a million profiles, killed at nine tenths, and what it costs to go on."""

import json
import subprocess
import time
from collections.abc import Mapping

from bench.ground import MILLION, Ground
from bench.measure import EXPORT, Taken, measure
from bench.output import show
from bench.stand_in import POSTS, Running, running_stand_in

KILLED_AFTER = 90  # accepted jobs
COLUMNS = ("run", "wall s", "CPU s", "peak MB", "posts")


def main(ground: Ground) -> None:
    with running_stand_in("--wide") as klaviyo:
        taken = measure(EXPORT, ground.environment(ground.segment(MILLION), klaviyo.url))
        rows = [_row("from beginning to end", taken, _posts(klaviyo))]
    with running_stand_in("--wide") as klaviyo:
        environment = ground.environment(ground.segment(MILLION), klaviyo.url)
        _kill(klaviyo, environment)
        before = _posts(klaviyo)
        taken = measure(EXPORT, environment)
        if json.loads(taken.output)["counts"]["imported"] != MILLION:
            raise AssertionError("not everybody was imported")
        rows.append(_row(f"going on, killed after {before} posts", taken, _posts(klaviyo) - before))
    show("Killed at nine tenths", COLUMNS, rows)


def _kill(klaviyo: Running, environment: Mapping[str, str]) -> None:
    with subprocess.Popen(EXPORT, env=dict(environment), stdout=subprocess.DEVNULL) as process:  # noqa: S603
        while _posts(klaviyo) < KILLED_AFTER and process.poll() is None:
            time.sleep(0.02)
        process.kill()


def _posts(klaviyo: Running) -> int:
    return len(klaviyo.requests(POSTS))


def _row(name: str, taken: Taken, posts: int) -> tuple[object, ...]:
    return (name, f"{taken.wall:.1f}", f"{taken.cpu:.1f}", f"{taken.peak_mb:.0f}", posts)
