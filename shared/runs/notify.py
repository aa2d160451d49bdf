"""Notifies the operator's webhook that a run has failed or holds removals. It contains no personal data.

The run is already closed, and does not depend on the outcome of the notification. If the process dies before
the head is cleared, the next holder sends the notification; if it dies after that, it is never sent.
"""

import json
import logging
from dataclasses import dataclass
from typing import Literal

from shared.adapters import telemetry
from shared.adapters.clock import Deadline
from shared.adapters.webhook import Webhook
from shared.catalog import Export
from shared.errors import ExportError
from shared.runs.record import RunRecord
from shared.services import Services

logger = logging.getLogger(__name__)

type Kind = Literal["run.failed", "run.removals_held"]


@dataclass(frozen=True, slots=True)
class Notification:
    """`id` is the same each time the same run is reported; `body` is JSON."""

    id: str
    body: bytes


def notification(record: RunRecord, export: Export | None) -> Notification | None:
    """The notification of a closed run; None if there is nothing to report."""
    kind = _kind(record)
    if kind is None:
        return None
    shown = record.model_dump(
        mode="json",
        include={"id", "status", "trigger", "error", "counts", "started_at", "finished_at"},
    )
    warnings = [{"code": warning.code, "count": warning.count} for warning in record.warnings]
    exported = {"id": record.export, "display_name": export.display_name if export else ""}
    content = {
        "type": kind,
        "timestamp": shown["finished_at"],
        "data": shown | {"export": exported, "warnings": warnings},
    }
    # No dots in the id: they separate the parts of the signed content.
    return Notification(f"{record.id}_{kind}".replace(".", "_"), json.dumps(content).encode())


def notify(services: Services, record: RunRecord, deadline: Deadline) -> None:
    """Sends the notification of a closed run, if there is one and an address is set. Raises nothing."""
    secret = services.settings.notify_secret
    if secret is None:
        return
    fields = {"run": record.id, "export": record.export}
    outcome = "sent"
    try:
        message = notification(record, _export(services, record))
        if message is None:
            return
        webhook = Webhook.parse(secret, services.vault.secret(secret))
        webhook.send(message.id, message.body, services.clock, deadline)
    except ExportError as error:
        outcome = error.code
        logger.warning("run %s: not notified: %s: %s", record.id, outcome, error.message, extra=fields)
    except Exception as error:
        outcome = "internal_error"
        telemetry.log_bug(logger, error, fields)
    telemetry.notifications.add(1, {"export": record.export, "outcome": outcome})


def _kind(record: RunRecord) -> Kind | None:
    if record.status == "failed":
        return "run.failed"
    is_held = record.status == "completed_with_warnings" and "removals_held" in record.warning_codes()
    return "run.removals_held" if is_held else None


def _export(services: Services, record: RunRecord) -> Export | None:
    """The current document, since a run that failed early has none. A file that `send` sent has none."""
    try:
        return services.catalog.export(record.export)
    except ExportError:
        return None
