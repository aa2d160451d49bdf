"""Table 6: a million profiles on an instance with a quarter of a core."""

from bench.ground import MILLION, Ground
from bench.measure import EXPORT, measure
from bench.output import show
from bench.stand_in import running_stand_in

COLUMNS = ("core", "wall s", "CPU s", "of a core used", "peak MB")


def main(ground: Ground) -> None:
    rows = []
    for share in (1.0, 0.25):
        with running_stand_in() as klaviyo:
            environment = ground.environment(ground.segment(MILLION), klaviyo.url)
            taken = measure(EXPORT, environment, share)
        used = f"{taken.cpu / taken.wall:.2f}"
        rows.append((f"{share:g}", f"{taken.wall:.1f}", f"{taken.cpu:.1f}", used, f"{taken.peak_mb:.0f}"))
    show("A small instance, within Klaviyo's limits", COLUMNS, rows)
