"""Traces: one for each run, across all its holders, with a span for each step and batch.

Through OpenTelemetry's API, as the metrics are. An attribute is an id, a count or a code of ours; of an error
a span keeps the code, since its message and its traceback may hold anything.
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
    """One turn of a run: in the run's own trace, and linked to the call that it happens in."""
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
    """A span for the length of the block; below the current one, unless `context` names another."""
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
    """A trace whose id comes from the run's, so that every process finds the same one."""
    digest = blake2b(run_id.encode(), digest_size=24).digest()
    trace_id, span_id = int.from_bytes(digest[:16]), int.from_bytes(digest[16:])
    parent = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return trace.set_span_in_context(NonRecordingSpan(parent))
