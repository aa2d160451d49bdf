"""Mutants of erasures: the do-not-send list, who obeys it, and what is deleted when."""

from tests.mutants.mutant import Mutant

_ERASED = "shared/ledger/erased.py"
_LISTED = "tests/ledger/test_erased.py"
_FORGET = "shared/runs/forget.py"
_FORGOTTEN = "tests/runs/test_forget.py"
_DO_NOT_SEND = "shared/runs/steps/erased.py"
_AGAIN = "shared/runs/steps/erase.py"
_BATCH = "shared/runs/steps/batch.py"
_COMMAND = "cli/forget.py"
_COMMANDED = "tests/cli/test_forget.py"

FORGET = [
    # The list.
    Mutant(_ERASED, "key.id != self.key", "False", _LISTED),
    Mutant(_ERASED, "        if not new:\n", "        if False:\n", _LISTED),
    Mutant(_ERASED, "create_only=known is None, ", "", _LISTED),
    Mutant(_ERASED, "if_match=known.etag if known else None", "if_match=None", _LISTED),
    Mutant(_ERASED, "(*before, *(", "(*(", _LISTED),
    Mutant(_ERASED, "len(file) > LONGEST", "False", _LISTED),
    # Who obeys it.
    Mutant(
        _DO_NOT_SEND, "            if etag != self._etag:\n", "            if not self._etag:\n", _FORGOTTEN
    ),
    Mutant(_DO_NOT_SEND, "self._people[: pinned.count]", "self._people", _FORGOTTEN),
    Mutant(_DO_NOT_SEND, " < before:\n", " < 0:\n", _FORGOTTEN),
    Mutant(_DO_NOT_SEND, "        if self._plan.digest_key is None:\n", "        if False:\n", _FORGOTTEN),
    Mutant(_DO_NOT_SEND, "        erased.check(self._key)\n", "", _FORGOTTEN),
    Mutant("shared/runs/steps/pin.py", "        erased.check(read_key(services.vault))\n", "", _FORGOTTEN),
    Mutant("shared/runs/views/compared.py", "            listed.check(key)\n", "", _FORGOTTEN),
    Mutant(_BATCH, "        self._do_not_send.refresh()\n", "", _FORGOTTEN),
    Mutant(_BATCH, "        if self._do_not_send.among(self._piece):\n", "        if False:\n", _FORGOTTEN),
    Mutant(_BATCH, "rejected += self._refused(piece, erased)", "pass", _FORGOTTEN),
    Mutant(
        "cli/send/one_file.py", "if name == SECRET_NAME else self._key", "if False else self._key", _COMMANDED
    ),
    # What is deleted when.
    Mutant(
        _FORGET,
        "        if not self._dry_run:\n            add_erased",
        "        if True:\n            add_erased",
        _FORGOTTEN,
    ),
    Mutant(_FORGET, " and head.ledger != head.pinned_ledger():\n", ":\n", _FORGOTTEN),
    Mutant(_FORGET, "            lock.checkpoint()\n", "", _FORGOTTEN),
    Mutant(_FORGET, "        remove_ledgers(lock)\n", "", _FORGOTTEN),
    Mutant(_FORGET, "                self._state.delete(blob.name)\n", "                pass\n", _FORGOTTEN),
    Mutant(_FORGET, "return run.state is State.SENDING", "return False", _FORGOTTEN),
    Mutant(_FORGET, "                if account not in done:\n", "                if True:\n", _FORGOTTEN),
    Mutant(_FORGET, "if each.account not in done", "if True", _FORGOTTEN),
    Mutant(_FORGET, "            if not job.status.is_final:\n", "            if False:\n", _FORGOTTEN),
    Mutant(_FORGET, "bool(self.accounts) and not", "not", _FORGOTTEN),
    Mutant("shared/runs/steps/ledger.py", "    ).without(erased)\n", "    )\n", _FORGOTTEN),
    Mutant("shared/runs/steps/ledger.py", " or has_looked or erased or", " or has_looked or", _FORGOTTEN),
    Mutant(_AGAIN, "missed=is_uncertain or not is_erased", "missed=not is_erased", _FORGOTTEN),
    Mutant(_AGAIN, "missed=is_uncertain or not is_erased", "missed=is_uncertain", _FORGOTTEN),
    Mutant(_AGAIN, "run.finish_erasing(number + 1", "run.finish_erasing(number", _FORGOTTEN),
    Mutant(_AGAIN, " if person in posted}", "}", _FORGOTTEN),
    Mutant(_AGAIN, "(address, address.lower())", "(address,)", _FORGOTTEN),
    # The command.
    Mutant(
        _COMMAND,
        'if USAGE in codes or {"malformed", "refused"} &',
        'if {"malformed", "refused"} &',
        _COMMANDED,
    ),
    Mutant(_COMMAND, "forgotten.is_open or codes", "codes", _COMMANDED),
    Mutant(_COMMAND, "        pieces.pop()\n", "        pass\n", _COMMANDED),
]
