"""Mutants of the steps of a run: permit, send, confirm, close, and the parts that they keep."""

from tests.mutants.mutant import Mutant

_PERMIT = "shared/runs/steps/permit.py"
_PERMITTED = "tests/runs/test_permit.py"
_SEND = "shared/runs/steps/send.py"
_SENT = "tests/runs/test_sending.py"
_BATCH = "shared/runs/steps/batch.py"
_BATCHES = "tests/runs/test_posts_of_a_batch.py"
_CONFIRM = "shared/runs/steps/confirm.py"
_CONFIRMED = "tests/runs/test_confirming.py"
_CLOSE = "shared/runs/steps/close.py"
_CLOSED = "tests/runs/test_closing.py"
_PARTS = "shared/runs/steps/parts.py"
_MANY = "tests/runs/test_many_refused.py"
_GARBLED = "tests/runs/test_garbled_parts.py"
_KEPT = "tests/runs/test_parts.py"
_REJECTED = "shared/runs/steps/rejected.py"

RUN_STEPS = [
    # What forbids a post.
    Mutant(
        _PERMIT,
        '            raise Canceled("Somebody canceled the run.")\n',
        "            pass\n",
        _PERMITTED,
    ),
    Mutant(
        _PERMIT,
        "        if is_cancel_requested(services",
        "        if not services.settings.exports_paused and is_cancel_requested(services",
        _PERMITTED,
    ),
    Mutant(_PERMIT, "        if pause is not None:\n", "        if False:\n", _PERMITTED),
    Mutant(_PERMIT, ', code="paused"', "", _PERMITTED),
    Mutant(_PERMIT, "retry_after=PAUSED_AGAIN.total_seconds()", "retry_after=None", _PERMITTED),
    Mutant(_PERMIT, "        self._account.check()\n", "", _PERMITTED),
    Mutant(_PERMIT, "        self._holder.lock.check()\n", "", _PERMITTED),
    Mutant(_PERMIT, "    if services.settings.exports_paused:\n", "    if False:\n", _PERMITTED),
    Mutant(_PERMIT, "(connection_id).paused:", "(connection_id) is None:", _PERMITTED),
    Mutant(
        _PERMIT,
        'store.write(state.cancel(run_id), b"", create_only=True)',
        'store.write(state.cancel(run_id), b"")',
        _PERMITTED,
    ),
    # Batches on their way.
    Mutant(_SEND, "                self._branch.cut()\n", "", _SENT),
    Mutant(_SEND, "gravest = _gravest(error, flying)", "gravest = error", "tests/runs/test_passes.py"),
    Mutant(
        _SEND,
        "(TakenElsewhere, Canceled, PermanentError):",
        "(Canceled, TakenElsewhere, PermanentError):",
        _SENT,
    ),
    Mutant(
        _SEND,
        "(TakenElsewhere, Canceled, PermanentError):",
        "(TakenElsewhere, PermanentError, Canceled):",
        _SENT,
    ),
    Mutant(_SEND, "(TakenElsewhere, Canceled, PermanentError):", "(TakenElsewhere, Canceled):", _SENT),
    Mutant(_SEND, "return max(waits", "return min(waits", _SENT),
    Mutant(_SEND, " if waits and isinstance(error, TryLater) else error", " if waits else error", _SENT),
    Mutant(_SEND, "if future.done() and (e", "if (e", _SENT),
    Mutant(
        _SEND,
        "self._rejected.flush()\n                    run.count(self._selection)\n",
        "run.count(self._selection)\n",
        "tests/runs/test_faults.py",
    ),
    Mutant(
        _SEND,
        "self._rejected.flush()\n                    run.count(self._selection)\n",
        "self._rejected.flush()\n",
        "tests/runs/test_faults.py",
    ),
    Mutant(
        _SEND,
        "        self._rejected.flush()\n        with lock",
        "        with lock",
        "tests/runs/test_run.py",
    ),
    Mutant(
        _SEND,
        "                run.deliveries.keep_batches(planned)\n",
        "                pass\n",
        "tests/runs/test_passes.py",
    ),
    Mutant(
        _SEND,
        "            if is_complete:\n                run.deliveries",
        "            if True:\n                run.deliveries",
        "tests/runs/test_passes.py",
    ),
    Mutant(
        _SEND,
        "                    if self._sender.is_finished(digest):\n                        continue\n",
        "",
        "tests/runs/test_passes.py",
    ),
    Mutant(_SEND, "self._sender.accepted_now and holder", "holder", "tests/runs/test_passes.py"),
    Mutant(_SEND, "        holder.run.finish_sending()\n", "        pass\n", "tests/runs/test_passes.py"),
    Mutant(
        _SEND,
        "    if is_complete:\n        holder",
        "    if True:\n        holder",
        "tests/runs/test_passes.py",
    ),
    Mutant(_SEND, "holder.run.limit)", "None)", "tests/runs/test_trial.py"),
    Mutant(_SEND, "IN_FLIGHT = 8", "IN_FLIGHT = 9", "tests/runs/test_passes.py"),
    # One batch.
    Mutant(_BATCH, "MOST_POSTS = 200", "MOST_POSTS = 400", _BATCHES),
    Mutant(_BATCH, "MOST_POSTS = 200", "MOST_POSTS = 90", _BATCHES),
    Mutant(
        _BATCH, "rejected += self._refuse_all(piece)\n                        continue", "continue", _BATCHES
    ),
    Mutant(_BATCH, "if piece_digest not in self._accepted:", "if True:", "tests/runs/test_passes.py"),
    Mutant(
        _BATCH, "                delivered.add(piece_digest)\n", "", "tests/runs/test_uncounted_people.py"
    ),
    Mutant(
        _BATCH,
        "self.accepted_now += 1\n            self._lock.checkpoint()\n",
        "self.accepted_now += 1\n",
        "tests/runs/test_passes.py",
    ),
    Mutant(_BATCH, "        except TakenElsewhere:\n            raise\n", "", "tests/runs/test_passes.py"),
    Mutant(
        _BATCH,
        "                    self._run.deliveries.leave_batch(digest, reasons)\n",
        "                    pass\n",
        "tests/runs/test_faults.py",
    ),
    Mutant(
        _BATCH,
        "            if rejected:\n                self._lock.checkpoint()\n",
        "",
        "tests/runs/test_passes.py",
    ),
    Mutant(_BATCH, "        self._deadline.progress()\n", "", "tests/runs/test_passes.py"),
    Mutant(_BATCH, "        self._parts.write_places(digest, piece)\n", "", "tests/runs/test_refusals.py"),
    Mutant(_BATCH, "return [rest] if len(rest) else []", "return [rest]", "tests/runs/test_refusals.py"),
    Mutant(
        _BATCH,
        "            rejected += self._refuse_all(piece)\n            return []",
        "            return []",
        _BATCHES,
    ),
    # What became of the jobs.
    Mutant(_CONFIRM, "    if trouble is not None:\n        raise trouble\n", "", _CONFIRMED),
    Mutant(_CONFIRM, "        return found, problem\n", "        return found, None\n", _CONFIRMED),
    Mutant(_CONFIRM, "                trouble = problem  #", "                pass  #", _CONFIRMED),
    Mutant(
        _CONFIRM,
        "trouble is not None and not holder.deadline.left()",
        "trouble is not None",
        "tests/runs/test_confirming.py",
    ),
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
    Mutant(_CONFIRM, " or _is_before(seen.created_at, oldest)", "", _CONFIRMED),
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
    Mutant(_CLOSE, "    _clear(holder, record)\n    run.close()", "    run.close()", _CLOSED),
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
    Mutant(_CLOSE, "        Parts(lock).remove()\n", "        pass\n", _CLOSED),
    Mutant(_CLOSE, "        lock.store.delete(state.cancel(record.id))\n", "        pass\n", _CLOSED),
    Mutant(
        _CLOSE,
        "    lock.head.close_run(record)\n    lock.checkpoint()\n",
        "    lock.head.close_run(record)\n",
        _CLOSED,
    ),
    Mutant(
        _CLOSE, "    with suppress(PermanentError):  #", "    with suppress(ZeroDivisionError):  #", _CLOSED
    ),
    Mutant(_CLOSE, 'record.warn("empty_segment", 1)', "pass", "tests/runs/test_run.py"),
    Mutant(_CLOSE, "counts.rejected or counts", "counts", _CLOSED),
    Mutant(_CLOSE, " or counts.failed or counts", " or counts", _CLOSED),
    Mutant(_CLOSE, " or counts.unconfirmed or record", " or record", _CLOSED),
    Mutant(_CLOSE, " or record.warnings)", ")", _CLOSED),
    Mutant(_CLOSE, '"failed" if run.cut.cause == "failed" else "canceled"', '"canceled"', _CLOSED),
    Mutant(_CLOSE, "MOST_BYTES = 32_000_000", "MOST_BYTES = 64_000_000", "tests/runs/test_history.py"),
    # The parts.
    Mutant(_PARTS, "profile.partition == partition and profile", "profile", _KEPT),
    Mutant(_PARTS, "profile.row == first + count", "profile.row > first", _KEPT),
    Mutant(_PARTS, "            if count > 0:\n", "            if count > 1:\n", _KEPT),
    Mutant(_PARTS, "if len(places) == profiles else", "if places else", _KEPT),
    Mutant(
        _PARTS,
        "except (PermanentError, ValueError):\n            places = []",
        "except (PermanentError, ValueError):\n            pass",
        _KEPT,
    ),
    Mutant(_PARTS, "if blob.name in wanted)", ")", _MANY),
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
        "            with suppress(PermanentError):\n                self._store.delete",
        "            if True:\n                self._store.delete",
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
    Mutant(
        _REJECTED, "0 <= int(number) < len(self._partitions)", "int(number) < len(self._partitions)", _GARBLED
    ),
    Mutant(_REJECTED, "0 <= int(number) < len(self._partitions)", "0 <= int(number)", _GARBLED),
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
