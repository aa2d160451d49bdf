"""Mutants of what the operator hears of a run: notifications and alerts."""

from tests.mutants.mutant import Mutant

_STREAMS = "shared/adapters/streams.py"
_WEBHOOK = "shared/adapters/webhook.py"
_WEBHOOKS = "tests/adapters/test_webhook.py"
_NOTIFY = "shared/runs/notify.py"
_NOTIFIED = "tests/runs/test_notify.py"
_ALERTS = "shared/runs/alerts.py"
_ALERTED = "tests/runs/test_alerts.py"

NOTIFYING = [
    Mutant(_STREAMS, '"connection", "http11", "proxy"', '"http11", "proxy"', _WEBHOOKS),
    Mutant(
        _STREAMS,
        "self._stream.read(max_bytes, _left(timeout",
        "self._stream.read(max_bytes, 1.0 or _left(timeout",
        _WEBHOOKS,
    ),
    Mutant(_WEBHOOK, "PAUSES = (1.0, 2.0)", "PAUSES = (1.0, 2.0, 4.0)", _WEBHOOKS),
    Mutant(_WEBHOOK, "status != 429 and ", "", _WEBHOOKS),
    Mutant(_WEBHOOK, "and status // 100 != 5", "", _WEBHOOKS),
    Mutant(_WEBHOOK, "deadline.left() < pause + self._patience", "deadline.left() < pause", _WEBHOOKS),
    Mutant(_WEBHOOK, "            deadline.sleep(pause)\n", "", _WEBHOOKS),
    Mutant(_WEBHOOK, "if len(keys) == 1 else None", "", _WEBHOOKS),
    Mutant(_WEBHOOK, "        if not key:\n", "        if key is None:\n", _WEBHOOKS),
    Mutant(_WEBHOOK, ", validate=True", "", _WEBHOOKS),
    Mutant(_WEBHOOK, '        https_url(f"The secret {name}", address, query=True)\n', "", _WEBHOOKS),
    Mutant(_NOTIFY, '.replace(".", "_")', "", _NOTIFIED),
    Mutant(_NOTIFY, 'record.status == "completed_with_warnings" and ', "", _NOTIFIED),
    Mutant(_NOTIFY, "    except Exception as error:\n", "    except KeyError as error:\n", _NOTIFIED),
    Mutant(_NOTIFY, '        outcome = "internal_error"\n', "", _NOTIFIED),
    Mutant(
        "shared/runs/turn.py",
        "        if progress.record.is_closed:\n            notify(",
        "        if closed is None and progress.record.is_closed:\n            notify(",
        _NOTIFIED,
    ),
    Mutant(_ALERTS, "part / whole > share", "part > share * whole", _ALERTED),
    Mutant(_ALERTS, "part / whole > share", "part / whole >= share", _ALERTED),
    Mutant(_ALERTS, "record.counts.rejected + record.counts.failed", "record.counts.rejected", _ALERTED),
    Mutant(
        "shared/runs/steps/close.py",
        "run.cut is None and run.limit is None:\n        warn",
        "run.cut is None:\n        warn",
        _ALERTED,
    ),
    Mutant(
        "shared/runs/steps/close.py",
        "run.plan is not None and run.cut is None and",
        "run.plan is not None and",
        _ALERTED,
    ),
    Mutant(
        "shared/runs/heads/head.py",
        "if self.rows and self.rows.keys() == run.rows.keys() else",
        "if self.rows else",
        _ALERTED,
    ),
]
