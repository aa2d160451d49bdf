"""Charts as SVG, drawn on the server, with a title and a description for screen readers. Pure: the pages put
the numbers in tables."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

# In the units of a drawing, which the page scales to its width.
WIDTH, HEIGHT = 600, 120
_EDGE = 6
_BAR, _GAP, _BARS_HIGH = 8, 3, 24
_STEP_HIGH, _LABEL_WIDE = 26, 200


class Point(NamedTuple):
    """A value, its label and its kind (see `words.kind`)."""

    label: str
    value: float
    kind: str = "good"


class Step(NamedTuple):
    """A count of a waterfall: from the rows that were read down to the profiles that were sent.

    `start` is the count at the bar's left edge.
    """

    label: str
    value: int
    start: int
    kind: str


def bars(name: str, points: Sequence[Point]) -> Markup:
    """A small bar for each point; the largest value has the full height."""
    most = max((point.value for point in points), default=0) or 1
    drawn = []
    for number, point in enumerate(points):
        high = max(3, round(point.value / most * _BARS_HIGH))
        drawn.append(_rect(number * (_BAR + _GAP), _BARS_HIGH - high, _BAR, high, f"fill-{point.kind}"))
    wide = max(1, len(points)) * (_BAR + _GAP) - _GAP
    return _svg("bars", name, _told(points), wide, _BARS_HIGH, drawn)


def line(name: str, points: Sequence[Point], unit: str = "") -> Markup:
    """A line of the values from left to right, from zero up; a single point is a dot."""
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
    """A bar for each count, from the rows that were read to the people on the list."""
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
