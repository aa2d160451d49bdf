"""A real OpenTelemetry SDK behind the API, as the Functions worker sets one up; one for the whole session."""

from functools import cache
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class Metrics:
    """What the code has told since it was last asked, as Azure Monitor's exporter sends it: in deltas."""

    def __init__(self) -> None:
        delta = AggregationTemporality.DELTA
        self._reader = InMemoryMetricReader({Counter: delta, Histogram: delta})
        metrics.set_meter_provider(MeterProvider([self._reader], shutdown_on_exit=False))

    def points(self) -> list[tuple[str, dict[str, object], Any]]:
        """Name, attributes and value of each point; of a histogram the greatest."""
        data = self._reader.get_metrics_data()
        return [
            (metric.name, dict(point.attributes or {}), _value(point))
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
        ]

    def told(self) -> dict[str, dict[tuple[object, ...], Any]]:
        """Values by metric and the attributes' values."""
        told: dict[str, dict[tuple[object, ...], Any]] = {}
        for name, attributes, value in self.points():
            told.setdefault(name, {})[tuple(attributes.values())] = value
        return told


@cache
def session_metrics() -> Metrics:
    """OpenTelemetry takes one provider a process."""
    return Metrics()


@cache
def session_spans() -> InMemorySpanExporter:
    """What ended since it was last cleared, of all spans."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


def _value(point: Any) -> Any:
    return point.value if hasattr(point, "value") else point.max
