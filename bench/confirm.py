"""Table 3: what it takes to learn from Klaviyo what became of a million profiles."""

from collections import Counter

from bench.ground import MILLION, Ground
from bench.measure import EXPORT, measure
from bench.output import show
from bench.stand_in import POSTS, running_stand_in
from sandbox.klaviyo.endpoints import JOBS

FAILURES = 50_000
COLUMNS = ("run", "wall s", "CPU s", "peak MB", "posts", "lists of jobs", "single jobs", "pages of errors")


def main(ground: Ground) -> None:
    rows = [
        _row(ground, "100 jobs, done at once"),
        _row(ground, "100 jobs, 20 s each", "--job-seconds", "20"),
        _row(ground, f"{FAILURES:,} failures", "--failures", str(FAILURES)),
        _row(ground, f"{FAILURES:,} failures, wide limits", "--failures", str(FAILURES), "--wide"),
    ]
    show("Confirming a million profiles", COLUMNS, rows)


def _row(ground: Ground, name: str, *options: str) -> tuple[object, ...]:
    with running_stand_in(*options) as klaviyo:
        taken = measure(EXPORT, ground.environment(ground.segment(MILLION), klaviyo.url))
        count = Counter(request["endpoint"] for request in klaviyo.requests())
    reads = (f"GET {JOBS}", f"GET {JOBS}/{{id}}", f"GET {JOBS}/{{id}}/import-errors")
    requests = [count[endpoint] for endpoint in (POSTS, *reads)]
    return (name, f"{taken.wall:.1f}", f"{taken.cpu:.1f}", f"{taken.peak_mb:.0f}", *requests)
