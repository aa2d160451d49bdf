"""A marked address and a marked id go through every call, and are seen in requests and nowhere else."""

import logging
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import orjson
import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.requests import Request
from starlette.responses import Response

from sandbox.klaviyo import Fault, StandIn
from shared.adapters import traces
from shared.adapters.clock import Deadline
from shared.errors import ExportError, KlaviyoUnavailable
from shared.klaviyo import Klaviyo, Permit, Subscriber
from tests.klaviyo.asking import asking
from tests.support.telemetry import Metrics
from tests.support.world import LIST, MadeClock

MARK = "canary"
EMAIL = f"{MARK}@example.org"
SECOND = f"{MARK}.second@example.org"
ID = f"01{MARK}"
CURSOR = f"page%5Bcursor%5D={MARK}"
CONSENTED = datetime(2026, 1, 1, tzinfo=UTC)

type Call = Callable[[Klaviyo, Deadline], object]

CALLS: dict[str, Call] = {
    "members": lambda k, d: list(k.members(LIST, d, CURSOR)),
    "members_among": lambda k, d: k.members_among(LIST, [EMAIL, SECOND], d),
    "profiles_among": lambda k, d: k.profiles_among([EMAIL, SECOND], d),
    "remove_from_list": lambda k, d: k.remove_from_list(LIST, [ID], d, Permit()),
    "subscribe": lambda k, d: k.subscribe(LIST, [Subscriber(EMAIL, CONSENTED)], d, Permit()),
    "erase": lambda k, d: k.erase(EMAIL, d, Permit()),
    "job_profiles": lambda k, d: sum(1 for _ in k.job_profiles("J1", d)),
}


def page(request: Request) -> Response:
    """A page with a marked member, which leads to a second one through a marked link."""
    person = {"id": ID, "attributes": {"email": EMAIL}}
    following = None if f"{MARK}2" in request.url.query else f"{request.url}&page%5Bcursor%5D={MARK}2"
    return Response(orjson.dumps({"data": [person], "links": {"next": following}}))


def done(request: Request) -> Response:
    return Response(status_code=204)


def refusing(status: int) -> Callable[[Request], Response]:
    """Klaviyo's own refusal, which echoes everything."""

    def refuse(request: Request) -> Response:
        echo = f"{request.url} {EMAIL} {ID} {MARK}:read"
        source = {"pointer": f"/data/attributes/{MARK}", "parameter": MARK}
        error = {"id": MARK, "code": MARK, "title": echo, "detail": echo, "source": source}
        return Response(orjson.dumps({"errors": [error]}), status)

    return refuse


def redirecting(request: Request) -> Response:
    """As a proxy answers that wants another scheme: it repeats the whole URL."""
    return Response(status_code=302, headers={"location": f"{request.url}", "x-echo": f"{EMAIL} {ID}"})


def broken(request: Request) -> Response:
    """An answer that is not HTTP."""
    return Response(headers={"content-encoding": "gzip", "x-echo": EMAIL}, content=EMAIL)


ANSWERS: dict[str, Callable[[Request], Response]] = {
    "a page": page,
    "done": done,
    **{f"{status}": refusing(status) for status in (400, 401, 403, 404, 409, 413, 414, 429, 500)},
    "a redirect": redirecting,
    "garbage": broken,
}


@pytest.fixture
def instrumented(spans: InMemorySpanExporter) -> Iterator[None]:
    """httpx as Azure Monitor's distribution instruments it in the Functions worker."""
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=trace.get_tracer_provider())
    yield
    instrumentor.uninstrument()


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.usefixtures("instrumented")
def test_a_person_is_in_no_log_span_metric_or_error(
    call: Call,
    answer: Callable[[Request], Response],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    spans: InMemorySpanExporter,
    metrics: Metrics,
) -> None:
    """Neither in what httpx and httpcore log at any level, nor in what OpenTelemetry records of a request."""
    for name in (None, "httpx", "httpcore", "httpcore.http11", "httpcore.connection"):
        caplog.set_level(logging.DEBUG, name)
    sent: list[str] = []
    shown: list[str] = []

    def recording(request: Request) -> Response:
        sent.append(f"{request.method} {request.url} {request._body!r}")
        return answer(request)

    with asking(recording) as (klaviyo, clock), traces.span("test"):
        try:
            shown.append(repr(call(klaviyo, Deadline(clock, 3))))
        except ExportError as error:
            shown += [*traceback.format_exception(error), repr(error), str(vars(error))]
            shown += [str(cause) for cause in (error.__cause__, error.__context__)]

    ended = spans.get_finished_spans()
    shown += [span.to_json() for span in ended]
    shown += map(repr, metrics.points())
    shown += [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    shown += capfd.readouterr()
    held = [text for text in shown if MARK in text]
    assert not held, held
    # The test looks where a person could be: both were recorded, without the query.
    assert any("HTTP Request: " in record.getMessage() for record in caplog.records)
    assert any(str(span.attributes).count("/api/") for span in ended if span.name != "test")
    assert any(MARK in request for request in sent) or "J1" in sent[0]


def test_a_broken_connection_names_nobody(klaviyo: Klaviyo, stand_in: StandIn, clock: MadeClock) -> None:
    """An error of httpx's has the request that failed, and its URL is one that nobody is in."""
    stand_in.faults.add([Fault("cut", method="GET", nth=None)])

    with pytest.raises(KlaviyoUnavailable) as caught:
        klaviyo.profiles_among([EMAIL], Deadline(clock, 0.1))

    cause = caught.value.__context__
    assert isinstance(cause, httpx.HTTPError)
    assert str(cause.request.url).endswith("/api/profiles")
    assert MARK not in f"{cause!r} {cause} {cause.request!r}"
