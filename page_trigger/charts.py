"""Charts as SVG, drawn on the server: a title and a description for those who hear them, numbers in a table
beside them. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

# In the units of a drawing, which the page scales to the room there is.
WIDTH, HEIGHT = 600, 120
_EDGE = 6
_BAR, _GAP, _BARS_HIGH = 8, 3, 24
_STEP_HIGH, _LABEL_WIDE = 26, 200


class Point(NamedTuple):
    """A value, what it is called, and which kind of news it is (see `words.kind`)."""

    label: str
    value: float
    kind: str = "good"


class Step(NamedTuple):
    """A count of a waterfall: rows come in, what is left out falls, what is sent stays.

    `start` is how many are left of where the bar begins.
    """

    label: str
    value: int
    start: int
    kind: str


def bars(name: str, points: Sequence[Point]) -> Markup:
    """A small bar for each point, the tallest one as high as there is room."""
    most = max((point.value for point in points), default=0) or 1
    drawn = []
    for number, point in enumerate(points):
        high = max(3, round(point.value / most * _BARS_HIGH))
        drawn.append(_rect(number * (_BAR + _GAP), _BARS_HIGH - high, _BAR, high, f"fill-{point.kind}"))
    wide = max(1, len(points)) * (_BAR + _GAP) - _GAP
    return _svg("bars", name, _told(points), wide, _BARS_HIGH, drawn)


def line(name: str, points: Sequence[Point], unit: str = "") -> Markup:
    """The values from left to right, from zero up; a point alone is a dot."""
    most = max((point.value for point in points), default=0) or 1
    step = (WIDTH - 2 * _EDGE) / max(1, len(points) - 1)
    places = [
        (_EDGE + number * step, HEIGHT - _EDGE - point.value / most * (HEIGHT - 2 * _EDGE))
        for number, point in enumerate(points)
    ]
    drawn = [Markup('<line class="axis" x1="0" y1="{0}" x2="{1}" y2="{0}"/>').format(HEIGHT - 1, WIDTH)]
    if len(places) > 1:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        drawn.append(Markup('<polyline class="line" points="{}"/>').format(path))
    for (x, y), point in zip(places, points, strict=True):
        drawn.append(
            Markup('<circle class="fill-{}" cx="{:.1f}" cy="{:.1f}" r="4"/>').format(point.kind, x, y)
        )
    return _svg("chart", name, _told(points, unit), WIDTH, HEIGHT, drawn)


def waterfall(name: str, steps: Sequence[Step]) -> Markup:
    """From the rows that were read to the people who are on the list, a bar for each count."""
    most = max((step.start + step.value for step in steps), default=0) or 1
    room = WIDTH - _LABEL_WIDE - 90
    drawn = []
    for number, step in enumerate(steps):
        top = number * _STEP_HIGH
        left = _LABEL_WIDE + step.start / most * room
        wide = max(1, step.value / most * room)
        drawn.append(Markup('<text x="0" y="{}">{}</text>').format(top + 17, step.label))
        drawn.append(_rect(left, top + 4, wide, _STEP_HIGH - 8, f"fill-{step.kind}"))
        drawn.append(
            Markup('<text x="{:.1f}" y="{}">{:,}</text>').format(left + wide + 6, top + 17, step.value)
        )
    told = ", ".join(f"{step.label}: {step.value:,}" for step in steps)
    return _svg("waterfall", name, told, WIDTH, max(1, len(steps)) * _STEP_HIGH, drawn)


def _told(points: Sequence[Point], unit: str = "") -> str:
    return ", ".join(f"{point.label}: {point.value:,g}{unit}" for point in points) or "No runs yet."


def _rect(x: float, y: float, wide: float, high: float, kind: str) -> Markup:
    return Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
        kind, x, y, wide, high
    )


def _svg(kind: str, name: str, told: str, wide: float, high: float, drawn: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg class="{}" role="img" viewBox="0 0 {:g} {:g}" preserveAspectRatio="xMinYMid meet">'
        "<title>{}</title><desc>{}</desc>{}</svg>"
    ).format(kind, wide, high, name, told, Markup("").join(drawn))
