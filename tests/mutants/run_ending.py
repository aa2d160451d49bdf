"""Mutants of how a run ends: its jobs, its record, and the refused rows."""

from tests.mutants.mutant import Mutant

_CONFIRM = "shared/runs/steps/confirm.py"
_CONFIRMED = "tests/runs/test_confirming.py"
_CLOSE = "shared/runs/steps/close.py"
_CLOSED = "tests/runs/test_closing.py"
_PARTS = "shared/runs/steps/parts.py"
_MANY = "tests/runs/test_many_refused.py"
_GARBLED = "tests/runs/test_garbled_parts.py"
_KEPT = "tests/runs/test_parts.py"
_REJECTED = "shared/runs/steps/rejected.py"

RUN_ENDING = [
    # What became of the jobs.
    Mutant(_CONFIRM, "    if trouble is not None:\n        raise trouble\n", "", _CONFIRMED),
    Mutant(_CONFIRM, "        return found, problem\n", "        return found, None\n", _CONFIRMED),
    Mutant(_CONFIRM, "                trouble = problem  #", "                pass  #", _CONFIRMED),
    Mutant(
        _CONFIRM, "            if seen.failed and trouble", "            if False and trouble", _CONFIRMED
    ),
    Mutant(
        _CONFIRM,
        "            if seen.failed and trouble is not None",
        "            if trouble is not None",
        _CONFIRMED,
    ),
    Mutant(
        _CONFIRM, "            job.miss(holder.now())\n", "            pass\n", "tests/runs/test_refusals.py"
    ),
    Mutant(
        _CONFIRM,
        "            job.miss(holder.now())\n",
        "            job.lose()\n",
        "tests/runs/test_refusals.py",
    ),
    Mutant(
        _CONFIRM,
        "            _cancel(holder, job)\n",
        "            job.cancel()\n",
        "tests/runs/test_refusals.py",
    ),
    Mutant(_CONFIRM, "            job.work(seen.status)\n", "            pass\n", _CONFIRMED),
    Mutant(_CONFIRM, " or is_before(seen.created_at, oldest)", "", _CONFIRMED),
    Mutant(_CONFIRM, "if not waiting or ", "if ", _CONFIRMED),
    Mutant(_CONFIRM, "CLOCK_SKEW = timedelta(hours=1)", "CLOCK_SKEW = timedelta()", _CONFIRMED),
    Mutant(_CONFIRM, "oldest = min(job", "oldest = max(job", "tests/runs/test_confirming.py"),
    Mutant(_CONFIRM, "if not job.is_settled}", "}", _CONFIRMED),
    Mutant(
        _CONFIRM,
        "        for job in waiting.values():\n            found",
        "        for job in ():\n            found",
        "tests/runs/test_refusals.py",
    ),
    Mutant(
        _CONFIRM,
        "        with suppress(NotFound):",
        "        with suppress(ZeroDivisionError):",
        "tests/runs/test_faults.py",
    ),
    Mutant(_CONFIRM, " and error.index < job.profiles", "", _CONFIRMED),
    Mutant(_CONFIRM, "errors.setdefault(error.index, error)", "errors[error.index] = error", _CONFIRMED),
    Mutant(_CONFIRM, "max(seen.failed, len(errors))", "seen.failed", _CONFIRMED),
    Mutant(_CONFIRM, "max(seen.failed, len(errors))", "len(errors)", "tests/runs/test_faults.py"),
    Mutant(_CONFIRM, "failed = min(job.profiles, ", "failed = (", _CONFIRMED),
    Mutant(
        _CONFIRM,
        "        for _ in range(failed - len(errors)):\n",
        "        for _ in ():\n",
        "tests/runs/test_faults.py",
    ),
    Mutant(
        _CONFIRM,
        "job.complete(seen.completed, failed)",
        "job.complete(None, failed)",
        "tests/runs/test_uncounted_people.py",
    ),
    # The end.
    Mutant(_CLOSE, "run.cut is None and is_cancel", "is_cancel", _CLOSED),
    Mutant(_CLOSE, 'record.warn("cancel_too_late")', "pass", "tests/runs/test_interrupts.py"),
    Mutant(_CLOSE, "record.counts.rejected + record.counts.failed)", "record.counts.rejected)", _CLOSED),
    Mutant(_CLOSE, "listed = min(refused, MOST_LISTED)", "listed = refused", _MANY),
    Mutant(_CLOSE, 'record.warn("rejected_not_listed", refused - listed)', "pass", _MANY),
    Mutant(_CLOSE, "listed - _list_rejected", "_list_rejected", _CLOSED),
    Mutant(_CLOSE, "record.error = run.cut.error if run.cut else None", "pass", _CLOSED),
    Mutant(_CLOSE, "record.finished_at = holder.now()", "pass", _CLOSED),
    Mutant(_CLOSE, "    holder.lock.check()\n    store", "    store", _CLOSED),
    Mutant(_CLOSE, "record.content(), create_only=True)", "record.content())", _CLOSED),
    Mutant(_CLOSE, "    _clear(holder, record, ledger)\n    run.close()", "    run.close()", _CLOSED),
    Mutant(
        _CLOSE,
        "    except NotFound:\n        return None\n    except InvalidDocument",
        "    except InvalidDocument",
        _CLOSED,
    ),
    Mutant(
        _CLOSE,
        "        lock.check()\n        lock.store.delete(state.record(record.id))\n",
        "        lock.store.delete(state.record(record.id))\n",
        _CLOSED,
    ),
    Mutant(
        _CLOSE,
        "        lock.check()\n        lock.store.delete(state.record(record.id))\n",
        "        lock.check()\n",
        "tests/runs/test_history.py",
    ),
    Mutant(_CLOSE, "version_of(content) > RECORD_VERSION", "version_of(content) > 9", _CLOSED),
    Mutant(
        _CLOSE,
        '(record.export, record.id, record.phase) == (export_id, run_id, "closed")',
        "record.id == run_id",
        _CLOSED,
    ),
    Mutant(
        _CLOSE,
        '(record.export, record.id, record.phase) == (export_id, run_id, "closed")',
        'record.phase == "closed"',
        "tests/runs/test_history.py",
    ),
    Mutant(_CLOSE, "{*deliveries.parts(), *jobs}", "{*deliveries.parts()}", _CLOSED),
    Mutant(_CLOSE, "{*deliveries.parts(), *jobs}", "{*jobs}", _CLOSED),
    Mutant(_CLOSE, "        remove_parts(lock.store, record.id)\n", "", _CLOSED),
    Mutant(_CLOSE, "            remove_parts(lock.store, before.run)\n", "            pass\n", _CLOSED),
    Mutant(_CLOSE, "        remove_ledgers(lock)\n", "", _CLOSED),
    Mutant(_CLOSE, "        lock.store.delete(state.cancel(record.id))\n", "        pass\n", _CLOSED),
    Mutant(
        _CLOSE,
        "    lock.head.close_run(record, ledger)\n    lock.checkpoint()\n",
        "    lock.head.close_run(record, ledger)\n",
        _CLOSED,
    ),
    Mutant(
        _CLOSE,
        "    with suppress(PermanentError):\n        lock.store",
        "    if True:\n        lock.store",
        _CLOSED,
    ),
    Mutant(_CLOSE, 'record.warn("empty_segment", 1)', "pass", "tests/runs/test_run.py"),
    Mutant(_CLOSE, "counts.rejected or counts", "counts", _CLOSED),
    Mutant(_CLOSE, " or counts.failed or counts", " or counts", _CLOSED),
    Mutant(_CLOSE, " or record.warnings)", ")", _CLOSED),
    Mutant(_CLOSE, '"failed" if run.cut.cause == "failed" else "canceled"', '"canceled"', _CLOSED),
    Mutant(_CLOSE, "MOST_BYTES = 32_000_000", "MOST_BYTES = 64_000_000", "tests/runs/test_history.py"),
    # The parts.
    Mutant(_PARTS, "number == partition and row", "row", _KEPT),
    Mutant(_PARTS, "row == first + count", "row > first", _KEPT),
    Mutant(_PARTS, "            if count > 0:\n", "            if count > 1:\n", _KEPT),
    Mutant(_PARTS, "if len(places) == profiles else", "if places else", _KEPT),
    Mutant(
        _PARTS,
        "except (PermanentError, ValueError):\n            places = []",
        "except (PermanentError, ValueError):\n            pass",
        _KEPT,
    ),
    Mutant(_PARTS, "for name in written if name in wanted)", "for name in written)", _MANY),
    Mutant(
        _PARTS,
        "islice(_in_order(self._lines_of(numbered)), checked)",
        "_in_order(self._lines_of(numbered))",
        _MANY,
    ),
    Mutant(_PARTS, "_in_order(self._lines_of(numbered))", "self._lines_of(numbered)", _MANY),
    Mutant(_PARTS, "chain(self._lines_of(named), islice", "chain(islice", _MANY),
    Mutant(_PARTS, "islice(lines, most))", "lines)", _MANY),
    Mutant(
        _PARTS,
        "        with suppress(PermanentError):\n            store.delete",
        "        if True:\n            store.delete",
        _KEPT,
    ),
    Mutant(
        _PARTS,
        "-> None:\n        self._lock.check()\n        self._store.write",
        "-> None:\n        self._store.write",
        _KEPT,
    ),
    Mutant(
        _PARTS,
        "        for name in names:\n            self._lock.check()\n",
        "        for name in names:\n",
        _KEPT,
    ),
    Mutant(
        _PARTS,
        "except (PermanentError, ValueError, csv.Error):",
        "except (PermanentError, ValueError):",
        _GARBLED,
    ),
    Mutant(_PARTS, "if self._lock.run.may_wait_for_part():", "if True:", _GARBLED),
    Mutant(_PARTS, "if self._lock.run.may_wait_for_part():", "if False:", _KEPT),
    Mutant(_PARTS, "most=LONGEST_PART)", "most=2 * LONGEST_PART)", _GARBLED),
    Mutant(_PARTS, "        if place > last:\n", "        if place >= last:\n", _KEPT),
    Mutant(_PARTS, "            last = place\n", "", _KEPT),
    Mutant(_PARTS, "if self._count == MOST_LISTED:", "if False:", _KEPT),
    Mutant(_PARTS, "if self._lines.length >= CHUNK:", "if self._lines.length >= 100 * CHUNK:", _KEPT),
    Mutant(_PARTS, "            self._written += 1\n", "", _MANY),
    Mutant(
        _PARTS,
        "            self._written += 1\n            self._lines = RejectedLines()\n",
        "            self._written += 1\n",
        _MANY,
    ),
    # The refused rows' file.
    Mutant(_REJECTED, "MOST_LISTED = 1_000_000", "MOST_LISTED = 1_100_000", _MANY),
    Mutant(_REJECTED, "if len(cells) != len(HEADER) or not", "if not", _GARBLED),
    Mutant(_REJECTED, "0 <= number < len(self._partitions)", "number < len(self._partitions)", _GARBLED),
    Mutant(_REJECTED, "0 <= number < len(self._partitions)", "0 <= number", _GARBLED),
    Mutant(_REJECTED, "has_place or reason == UNNAMED", "has_place", "tests/runs/test_faults.py"),
    Mutant(_REJECTED, "has_place or reason == UNNAMED", "True", _GARBLED),
    Mutant(_REJECTED, "                text.truncate()\n", "", _KEPT),
    Mutant(_REJECTED, "                text.seek(0)\n", "", _KEPT),
    Mutant(_REJECTED, "inert(column), inert(reason), ", "column, inert(reason), ", _MANY),
    Mutant(_REJECTED, "inert(column), inert(reason), ", "inert(column), reason, ", _MANY),
    Mutant(_REJECTED, "[inert(name) for name in partitions]", "list(partitions)", _MANY),
    Mutant(_REJECTED, 'r"\\s*[=+', 'r"[=+', _MANY),
    Mutant(_REJECTED, '|[\\t\\r\\n]"', '"', _MANY),
    Mutant(_REJECTED, "-?[0-9]{1,9},", "-?[0-9]{1,99},", _KEPT),
    Mutant(_REJECTED, "[0-9]{1,18}", "[0-9]{1,99}", _KEPT),
]
