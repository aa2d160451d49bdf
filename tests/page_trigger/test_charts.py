"""Charts are well-formed, described, and stay inside their drawing for any numbers."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from page_trigger.charts import HEIGHT, WIDTH, Point, bars, line, waterfall
from page_trigger.runs import steps_of
from shared.runs.record import Counts

POINTS = st.lists(st.builds(Point, st.text(max_size=20), st.floats(0, 1e12)), max_size=40)


def parsed(chart: Markup) -> ElementTree.Element:
    """The drawing. XML has no control characters; pages replace them with codes first."""
    return ElementTree.fromstring("".join(each for each in chart if each.isprintable()))


@given(POINTS)
def test_every_point_is_inside(points: list[Point]) -> None:
    """However many there are, and however large."""
    for chart in (line("A name", points), bars("A name", points)):
        drawing = parsed(chart)
        assert [child.text for child in drawing if child.tag in ("title",)] == ["A name"]
        box = [float(number) for number in drawing.attrib["viewBox"].split()]
        for shape in drawing.iter():
            for across, most in (("cx", box[2]), ("cy", box[3]), ("x", box[2]), ("y", box[3])):
                assert 0 <= float(shape.get(across, "0")) <= most


@pytest.mark.parametrize("chart", [line, bars])
def test_without_runs_a_chart_says_so(chart: object) -> None:
    """Its description says so, for screen readers."""
    assert callable(chart)
    assert "No runs yet." in chart("A name", [])


@given(
    st.tuples(*[st.integers(0, 10**7)] * 4),
    st.tuples(*[st.integers(0, 10**7)] * 3),
)
def test_a_waterfall_adds_up(left_out: tuple[int, ...], outcomes: tuple[int, ...]) -> None:
    """Each step begins where the one before ended, down to the sent and then the confirmed rows."""
    rejected, filtered, duplicates, unchanged = left_out
    imported, failed, unconfirmed = outcomes
    sent = sum(outcomes)
    counts = Counts(
        rows=sum(left_out) + sent,
        rejected=rejected,
        filtered=filtered,
        duplicates=duplicates,
        unchanged=unchanged,
        sent=sent,
        imported=imported,
        failed=failed,
        unconfirmed=unconfirmed,
    )
    left = 0
    for step in steps_of(counts):
        if step.start == 0 and step.label in ("Rows read", "Sent", "Confirmed by Klaviyo"):
            assert step.value == left or step.label == "Rows read"
            left = step.value
        else:
            assert step.start == left - step.value
            left = step.start
    chart = waterfall("A name", steps_of(counts))
    assert parsed(chart).attrib["viewBox"].startswith(f"0 0 {WIDTH}")
    assert HEIGHT > 0


def test_a_run_that_was_cut_short_sent_less_than_was_left() -> None:
    """The rest is there too, so that the counts add up."""
    steps = steps_of(Counts(rows=100, rejected=10, sent=50, imported=45, failed=5))
    assert [(step.label, step.value, step.start) for step in steps] == [
        ("Rows read", 100, 0),
        ("Refused", 10, 90),
        ("Not sent", 40, 50),
        ("Sent", 50, 0),
        ("Refused by Klaviyo", 5, 45),
        ("Confirmed by Klaviyo", 45, 0),
    ]
