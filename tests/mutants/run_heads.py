"""Mutants of the heads of exports, and of the locks."""

from tests.mutants.mutant import Mutant

_HEAD = "shared/runs/heads/head.py"
_HEADS = "tests/runs/test_head.py"
_OLD = "shared/runs/heads/old.py"
_OLDS = "tests/runs/test_old_heads.py"
_EXPORT = "shared/runs/lock/export.py"
_ACCOUNT = "shared/runs/lock/account.py"
_STORE = "shared/adapters/storage/store.py"
_LOCKED = "tests/runs/test_locks.py"
_SLICED = "tests/runs/test_slices.py"

RUN_HEADS = [
    Mutant(_HEAD, "BACK_OFF = (5, 15, 60)", "BACK_OFF = (5, 15, 600)", _HEADS),
    Mutant(_HEAD, "MOST_SUPERSEDED = 2", "MOST_SUPERSEDED = 3", _HEADS),
    Mutant(_HEAD, "LONGEST_METADATA = 6000", "LONGEST_METADATA = 16000", _HEADS),
    Mutant(_HEAD, "self.retry and self.retry.versions == versions", "self.retry", _HEADS),
    Mutant(_HEAD, "known.attempts + 1", "known.attempts", _HEADS),
    Mutant(_HEAD, "min(attempts, len(BACK_OFF)) - 1", "min(attempts, len(BACK_OFF) - 1)", _HEADS),
    Mutant(_HEAD, "        self.scheduled_at = now\n", "", _HEADS),
    Mutant(_HEAD, "            self.retry.waits_for = fingerprint\n", "            pass\n", _HEADS),
    Mutant(_HEAD, "        if run is None:\n            return\n        last", "        last", _HEADS),
    Mutant(_HEAD, "record.finished_at or record.created_at", "record.created_at", _HEADS),
    Mutant(_HEAD, "        self.open = None\n", "", _HEADS),
    Mutant(_HEAD, "        self.last_attempt = last\n", "", _HEADS),
    Mutant(
        _HEAD,
        "        if run.limit is not None:\n            return  #",
        "        if False:\n            return  #",
        _HEADS,
    ),
    Mutant(_HEAD, 'in ("successful", "completed_with_warnings")', 'in ("successful",)', _HEADS),
    Mutant(_HEAD, "self.retry.versions if self.retry else {}", "{}", _HEADS),
    Mutant(_HEAD, "self.exported |= run", "self.exported = run", _HEADS),
    Mutant(_HEAD, "            self.retry = None\n", "            pass\n", _HEADS),
    Mutant(_HEAD, "self.superseded < MOST_SUPERSEDED or is_sent", "is_sent", _HEADS),
    Mutant(
        _HEAD, "self.superseded < MOST_SUPERSEDED or is_sent", "self.superseded < MOST_SUPERSEDED", _HEADS
    ),
    Mutant(_HEAD, "(State.CONFIRMING, State.SUB", "(State.SUB", _HEADS),
    Mutant(_HEAD, "State.SUBSCRIBING, ", "", _HEADS),
    Mutant(_HEAD, "SUBSCRIBING, State.REMOVING)", "SUBSCRIBING)", _HEADS),
    Mutant(_HEAD, "run is not None and run.is_paused", "wait is not None", _HEADS),
    Mutant(_HEAD, "self.last_success.finished_at if self.last_success else None", "None", _HEADS),
    Mutant(_HEAD, "advanced_at=run.advanced_at if run else None", "advanced_at=None", _HEADS),
    Mutant(_HEAD, "not_before=wait.until if wait else None", "not_before=None", _HEADS),
    Mutant(_HEAD, "account=run.plan.account_id if run and run.plan else None", "account=None", _HEADS),
    Mutant(_HEAD, ", ensure_ascii=True)", ")", _HEADS),
    Mutant(_HEAD, '"version": f"{VERSION}"', '"version": "1"', _HEADS),
    Mutant(_HEAD, '            shown["status"] = self.last_attempt.status\n', "            pass\n", _HEADS),
    Mutant(_HEAD, "        if version > VERSION:\n            raise NewerVersion(name)\n", "", _HEADS),
    Mutant(_HEAD, "        and head.export == export_id\n", "", _HEADS),
    Mutant(_HEAD, "        and _is_of(export_id, head.open.record.id if head.open else None)\n", "", _HEADS),
    Mutant(_HEAD, 'get("version", "1")) > VERSION', 'get("version", "1")) > 9', _HEADS),
    Mutant(
        _HEAD,
        "        if _is_of(export_id, entry.open):\n            return entry\n",
        "        return entry\n",
        _HEADS,
    ),
    Mutant(_HEAD, "        if _is_of(export_id, entry.open):\n            return entry\n", "", _HEADS),
    Mutant(
        _HEAD, "ValidationError, ValueError):\n        if int", "ValidationError):\n        if int", _HEADS
    ),
    Mutant(_HEAD, "create_only=True", "create_only=False", _HEADS),
    Mutant(_OLD, 'if ending == "canceled" and "superseded" in codes:', 'if "superseded" in codes:', _OLDS),
    Mutant(_OLD, 'if ending == "canceled" and "superseded" in codes:', "if False:", _OLDS),
    Mutant(_OLD, 'if ending or phase == "confirming":', 'if phase == "confirming":', _OLDS),
    Mutant(_OLD, 'if ending or phase == "confirming":', "if ending:", _OLDS),
    Mutant(_OLD, '"confirming" if run.get("jobs") else "closing"', '"confirming"', _OLDS),
    Mutant(_OLD, '"pinning" if run.get("take_ups") else "opened"', '"opened"', _OLDS),
    Mutant(_OLD, ' if run.get("not_before") else None', "", _OLDS),
    Mutant(
        _OLD, " for name in DELIVERIES if name in run", " for name in DELIVERIES[:3] if name in run", _OLDS
    ),
    Mutant(_OLD, 'run.get("take_ups", 0)', "0", _OLDS),
    Mutant(_OLD, '"looks": run.get("looks", 0)', '"looks": 0', _OLDS),
    # The locks.
    Mutant(_EXPORT, "            head.epoch += 1\n", "", _LOCKED),
    Mutant(
        _EXPORT,
        "        if self._is_lost:\n            raise",
        "        if False:\n            raise",
        _LOCKED,
    ),
    Mutant(_EXPORT, "        self._lease.check()\n", "", _LOCKED),
    Mutant(
        _EXPORT, "            self.check()\n            if self.head", "            if self.head", _LOCKED
    ),
    Mutant(
        _EXPORT,
        "                self.head.open.advanced_at = self.clock.now()\n",
        "                pass\n",
        _LOCKED,
    ),
    Mutant(_EXPORT, "                    if_match=self._etag,\n", "", _LOCKED),
    Mutant(_EXPORT, "metadata=self.head.metadata()", "metadata={}", _LOCKED),
    Mutant(_ACCOUNT, "BUSY_AGAIN = 5.0", "BUSY_AGAIN = 500.0", "tests/runs/test_turns.py"),
    Mutant(_ACCOUNT, "        if pause > 0:\n", "        if False:\n", _LOCKED),
    Mutant(_ACCOUNT, "retry_after=pause)", "retry_after=None)", _LOCKED),
    Mutant(_ACCOUNT, "if reservation is not None and reservation.run != run_id:", "if False:", _SLICED),
    Mutant(
        _ACCOUNT,
        "if reservation is not None and reservation.run != run_id:",
        "if reservation is not None:",
        _SLICED,
    ),
    Mutant(_ACCOUNT, "            store.delete(name)\n", "            pass\n", _SLICED),
    Mutant(
        _ACCOUNT,
        "timedelta() < reservation.until - services.clock.now() <= 2 * RESERVED_FOR",
        "True",
        _SLICED,
    ),
    Mutant(_ACCOUNT, " <= 2 * RESERVED_FOR", "", _SLICED),
    Mutant(_STORE, "with suppress(AlreadyExists):", "if True:", _LOCKED),
]
