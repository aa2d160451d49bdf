"""Table 2: a million profiles within Klaviyo's limits, by latency and number of posts side by side."""

from collections import Counter

from bench.ground import MILLION, Ground
from bench.measure import measure, python
from bench.output import show
from bench.stand_in import POSTS, Running, running_stand_in
from shared.klaviyo.limits import ENDPOINTS

LATENCIES = (0.1, 1.0, 5.0)
IN_FLIGHT = (4, 8, 16)
COLUMNS = (
    "latency s",
    "in flight",
    "posts",
    "ideal s",
    "to the last accepted s",
    "of ideal",
    "wall s",
    "429s",
)


def main(ground: Ground) -> None:
    rows, requests = [], Counter[str]()
    for latency in LATENCIES:
        for in_flight in IN_FLIGHT:
            with running_stand_in("--counting", "--latency", str(latency)) as klaviyo:
                environment = ground.environment(ground.segment(MILLION), klaviyo.url)
                wall = measure(python("export", str(in_flight)), environment).wall
                rows.append((latency, in_flight, *_sending(klaviyo, latency, in_flight, wall)))
                requests.update(request["endpoint"] for request in klaviyo.requests())
    show("A million profiles within 10 posts a second and 150 a minute", COLUMNS, rows)
    runs = len(rows)
    each = [(endpoint, count, f"{count / runs:.1f}") for endpoint, count in requests.most_common()]
    show(f"Requests of these {runs} runs", ("endpoint", "requests", "a run"), each)


def _sending(klaviyo: Running, latency: float, in_flight: int, wall: float) -> tuple[str, ...]:
    posts = klaviyo.requests(POSTS)
    accepted = [post["time"] for post in posts if post["status"] == 202]
    taken = accepted[-1] - accepted[0] + latency
    best = ideal(len(accepted), latency, in_flight)
    throttled = sum(post["status"] == 429 for post in posts)
    return (
        str(len(posts)),
        f"{best:.1f}",
        f"{taken:.1f}",
        f"{taken / best:.2f}",
        f"{wall:.1f}",
        str(throttled),
    )


def ideal(posts: int, latency: float, in_flight: int) -> float:
    """Seconds from the first post to the last answer, where each begins as soon as all limits let it."""
    begun: list[float] = []
    for number in range(posts):
        free = [begun[number - in_flight] + latency] if number >= in_flight else [0.0]
        for seconds, most in ENDPOINTS["import"].items():
            if number >= most:
                free.append(begun[number - most] + seconds)
        begun.append(max(free))
    return begun[-1] + latency
