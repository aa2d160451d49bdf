"""Traces: one per run, across all its holders, with a span for each step and batch.

They use OpenTelemetry's API, as the metrics do. Attributes are our ids, counts and codes. Of an error, a span
has only the code, since message and traceback may contain anything.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, StatusCode, TraceFlags

from shared.errors import ExportError

_tracer = trace.get_tracer("segment_export")


@contextmanager
def run_span(run_id: str, export_id: str) -> Iterator[Span]:
    """The span of one turn of a run: in the run's own trace, and linked to the current call."""
    call = trace.get_current_span().get_span_context()
    links = [Link(call)] if call.is_valid else []
    with span("run", {"run": run_id, "export": export_id}, _trace_of(run_id), links) as current:
        yield current


@contextmanager
def span(
    name: str,
    attributes: Mapping[str, str | int] | None = None,
    context: Context | None = None,
    links: Sequence[Link] = (),
) -> Iterator[Span]:
    """A span for the block; below the current one, unless `context` names another."""
    with _tracer.start_as_current_span(
        name,
        context,
        attributes=attributes,
        links=links,
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except Exception as error:
            code = error.code if isinstance(error, ExportError) else type(error).__name__
            current.set_attribute("error.type", code)
            current.set_status(StatusCode.ERROR, code)
            raise


def _trace_of(run_id: str) -> Context:
    """A trace whose id is derived from the run's, so all processes use the same one."""
    digest = blake2b(run_id.encode(), digest_size=24).digest()
    trace_id, span_id = int.from_bytes(digest[:16]), int.from_bytes(digest[16:])
    parent = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return trace.set_span_in_context(NonRecordingSpan(parent))
