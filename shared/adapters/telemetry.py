"""Logs and metrics: our own numbers, ids and codes, and nothing from outside that could contain data.

The metrics use OpenTelemetry's API: without an SDK, they cost nothing and are not sent; in Azure, the
Functions worker sets up the SDK.
"""

import logging
import traceback
from collections.abc import Mapping

from opentelemetry import metrics

# Some of these log whole URLs, and a URL can contain an email.
QUIET = ("httpx", "httpcore", "azure")

_meter = metrics.get_meter("segment_export")

profiles = _meter.create_counter("segment_export.profiles", "1", "Profiles of closed runs, by outcome")
changes = _meter.create_counter(
    "segment_export.changes", "1", "People of closed runs, by change since earlier runs"
)
runs = _meter.create_counter("segment_export.runs", "1", "Closed runs, by export and status")
rejected = _meter.create_counter("segment_export.rejected", "1", "Refused rows of closed runs, by reason")
run_seconds = _meter.create_histogram("segment_export.run.duration", "s", "From a run's start to its close")
posts = _meter.create_counter("segment_export.posts", "1", "Import posts, by response status")
throttled_seconds = _meter.create_counter(
    "segment_export.throttled", "s", "Time to wait that 429 responses asked for"
)
# Recorded at each tick. As gauges, an instance that no longer ticks would report their last values forever.
success_age = _meter.create_histogram(
    "segment_export.last_success.age", "s", "Time since an export last succeeded"
)
behind = _meter.create_histogram(
    "segment_export.behind", "1", "1 if a run should have succeeded, otherwise 0"
)
open_run_age = _meter.create_histogram(
    "segment_export.open_run.age", "s", "Time since an export's open run began"
)
vault_refusals = _meter.create_counter(
    "segment_export.vault.refusals", "1", "Secrets that the app was denied access to"
)
alerts = _meter.create_counter(
    "segment_export.alerts", "1", "Thresholds that a run of an export exceeded, by warning"
)
notifications = _meter.create_counter(
    "segment_export.notifications", "1", "Notifications of closed runs, by outcome"
)
limit_share = _meter.create_histogram(
    "segment_export.limit.share", "1", "Share of a pass's time that Klaviyo's limits require"
)
account_wait = _meter.create_histogram(
    "segment_export.account.wait", "s", "How long an account has waited for a worker, at each tick"
)
poisoned = _meter.create_histogram(
    "segment_export.messages.poisoned", "1", "Messages that have failed for good, at each tick"
)
messages = _meter.create_counter("segment_export.messages", "1", "Messages of the queue, by outcome")
ticks = _meter.create_counter("segment_export.ticks", "1", "The timer's heartbeat")


def quiet_libraries() -> None:
    """Logs only warnings and errors of the libraries."""
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def log_bug(logger: logging.Logger, error: Exception, extra: Mapping[str, object] | None = None) -> None:
    """Logs an unexpected error: its type and place, not its message, which may contain anything."""
    places = " < ".join(
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
        for frame in reversed(traceback.extract_tb(error.__traceback__))
    )
    logger.error("unexpected %s at %s", type(error).__name__, places, extra=dict(extra or {}))
