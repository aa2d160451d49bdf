"""Mutants of what a run posts: its permit, its passes, its batches."""

from tests.mutants.mutant import Mutant

_PERMIT = "shared/runs/steps/permit.py"
_PERMITTED = "tests/runs/test_permit.py"
_SEND = "shared/runs/steps/send.py"
_SENT = "tests/runs/test_sending.py"
_BATCH = "shared/runs/steps/batch.py"
_BATCHES = "tests/runs/test_posts_of_a_batch.py"

RUN_SENDING = [
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
]
