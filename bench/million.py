"""Table 1: a million profiles end to end, beside a bare loop and beside klaviyo-api."""

import json

from bench.ground import MILLION, Ground, lay_out
from bench.measure import EXPORT, Taken, measure, python
from bench.output import show
from bench.stand_in import running_stand_in
from tests.support.azurite import running_azurite

COLUMNS = ("contender", "profiles", "wall s", "CPU s", "peak MB", "profiles/s")


def main(ground: Ground) -> None:
    rows = [
        _row("the export", 100_000, _export(ground, 100_000)),
        _row("bare loop", 100_000, _loop("bare", ground, 100_000)),
        _row("klaviyo-api for Python", 100_000, _loop("official", ground, 100_000)),
        _row("the export", MILLION, _export(ground, MILLION)),
        _row("bare loop", MILLION, _loop("bare", ground, MILLION)),
        _row("the export, TLS", MILLION, _export_over_tls(ground)),
        _row("bare loop, TLS", MILLION, _loop_over_tls(ground)),
        _row("the export, blobs in Azurite", MILLION, _export_from_blobs(ground)),
    ]
    show("A million profiles", COLUMNS, rows)


def _export(ground: Ground, people: int) -> Taken:
    with running_stand_in("--wide") as klaviyo:
        return _checked(measure(EXPORT, ground.environment(ground.segment(people), klaviyo.url)), people)


def _export_over_tls(ground: Ground) -> Taken:
    authority = ground.folder / "authority.pem"
    with running_stand_in("--wide", "--tls", str(authority)) as klaviyo:
        environment = ground.environment(ground.segment(MILLION), klaviyo.url)
        return _checked(measure(EXPORT, environment | {"SSL_CERT_FILE": str(authority)}), MILLION)


def _export_from_blobs(ground: Ground) -> Taken:
    with running_stand_in("--wide") as klaviyo, running_azurite() as azurite:
        segments_url = azurite.container()
        lay_out(segments_url, MILLION)
        environment = ground.environment(segments_url, klaviyo.url, azurite.container())
        return _checked(measure(EXPORT, environment), MILLION)


def _loop(module: str, ground: Ground, people: int) -> Taken:
    folder = ground.segment(people).removeprefix("file:")
    with running_stand_in("--wide") as klaviyo:
        return measure(python(module, klaviyo.url, folder), ground.environment("", klaviyo.url))


def _loop_over_tls(ground: Ground) -> Taken:
    authority = ground.folder / "authority.pem"
    folder = ground.segment(MILLION).removeprefix("file:")
    with running_stand_in("--wide", "--tls", str(authority)) as klaviyo:
        environment = ground.environment("", klaviyo.url) | {"SSL_CERT_FILE": str(authority)}
        return measure(python("bare", klaviyo.url, folder), environment)


def _checked(taken: Taken, people: int) -> Taken:
    """A figure counts only where everybody was imported."""
    imported = json.loads(taken.output)["counts"]["imported"]
    if imported != people:
        raise AssertionError(f"{imported} of {people} were imported")
    return taken


def _row(name: str, people: int, taken: Taken) -> tuple[str, ...]:
    return (
        name,
        f"{people:,}",
        f"{taken.wall:.1f}",
        f"{taken.cpu:.1f}",
        f"{taken.peak_mb:.0f}",
        f"{people / taken.wall:,.0f}",
    )
