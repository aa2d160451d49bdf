"""Mutants of the queue of work: its messages, its markers, its workers."""

from tests.mutants.mutant import Mutant

_MARKER = "shared/runs/queue/marker.py"
_VERSIONED = "shared/runs/queue/versioned.py"
_ASKING = "shared/runs/queue/asking.py"
_MESSAGES = "shared/runs/queue/messages.py"
_REFRESHED = "shared/runs/queue/refreshed.py"
_HAND_OUT = "shared/runs/work/hand_out.py"
_WORKER = "shared/runs/work/worker.py"
_QUEUE = "shared/adapters/queue.py"
_WORKED = "tests/runs/test_queue.py"
_FAULTS = "tests/runs/test_queue_faults.py"
_BUSY = "tests/runs/test_busy_accounts.py"
_EVENTS = "tests/runs/test_refreshed.py"
_SENT = "tests/adapters/test_queue.py"
_TURNS = "shared/runs/work/turns.py"
_TAKEN = "tests/runs/test_turns_of_work.py"

RUN_QUEUE = [
    Mutant(_MARKER, "OVERDUE = timedelta(minutes=2)", "OVERDUE = timedelta(minutes=20)", _FAULTS),
    Mutant(_MARKER, "OVERDUE * 2 ** min(self.times - 1, MOST_DOUBLINGS)", "OVERDUE", _FAULTS),
    Mutant(_MARKER, "MOST_DOUBLINGS = 2", "MOST_DOUBLINGS = 6", _FAULTS),
    Mutant(_MARKER, "        if self.times == 0:\n            return True\n", "", _FAULTS),
    Mutant(
        _MARKER,
        "        if self.is_silent(now):\n            again",
        "        if False:\n            again",
        _FAULTS,
    ),
    Mutant(
        _ASKING,
        "write_marker(services.state, marker.unsent(), etag)",
        "write_marker(services.state, marker, etag)",
        _FAULTS,
    ),
    Mutant(_MARKER, '"taken_at": now, "times": 1', '"taken_at": now', _BUSY),
    Mutant(
        _MARKER,
        "if self.taken_at is None and is_believed(self.due, now):",
        "if self.taken_at is None:",
        _WORKED,
    ),
    Mutant(_MARKER, "{**self.exports, **self.asked}, now)", "self.exports, now)", _BUSY),
    Mutant(_MARKER, "        if export in self.asked:\n            return True\n", "", _BUSY),
    Mutant(_MARKER, " and state.opened_at(run) < self.taken_at.replace(microsecond=0)", "", _BUSY),
    Mutant(
        _MARKER,
        "return export in self.exports and self.due - SOON <= due",
        "return export in self.exports",
        _WORKED,
    ),
    Mutant(
        _VERSIONED,
        "    except InvalidDocument:  # too long\n        return None, store.stat(name).etag\n",
        "",
        _BUSY,
    ),
    Mutant(
        _VERSIONED,
        "    if Sent.is_newer(blob.content, now, NEWER_OVERDUE_FOR):\n        raise NewerVersion(name)\n",
        "",
        _WORKED,
    ),
    Mutant(_MARKER, "if len(glance) <= LONGEST_METADATA else {}", "if len(glance) <= 1 else {}", _BUSY),
    Mutant(_MESSAGES, "NEWER_FOR = timedelta(hours=2)", "NEWER_FOR = timedelta(hours=20)", _WORKED),
    Mutant(_MESSAGES, "(sent.sent_at, sent.due, sent.taken_at)", "(sent.sent_at,)", _WORKED),
    Mutant(
        _MESSAGES,
        "NEWER_OVERDUE_FOR = timedelta(minutes=15)",
        "NEWER_OVERDUE_FOR = timedelta(hours=2)",
        _WORKED,
    ),
    Mutant(_MESSAGES, "is_believed(last, now) and now - last < lasts", "now - last < lasts", _BUSY),
    Mutant(_ASKING, "if is_believed(marker.due, now) else 0.0", "", _BUSY),
    Mutant(
        _HAND_OUT, "if each.run and (each.request or not known or", "if each.run and (not known or", _BUSY
    ),
    Mutant(_HAND_OUT, " or not known.covers(each.export, each.run, due)):", "):", _BUSY),
    Mutant(_WORKER, "if self._etag is None:  #", "if False:  #", _BUSY),
    Mutant(_WORKER, "        queue.send(text, NEWER_AGAIN)\n", "        pass\n", _WORKED),
    Mutant(_WORKER, "now + LOOKS_FOR_A_PAUSE if each.paused else now", "now", _WORKED),
    Mutant(_WORKER, "if entry.account in (None, account):", "if True:", _BUSY),
    Mutant(_WORKER, "[*self._open_runs(left), *self._news()]", "self._open_runs(left)", _WORKED),
    Mutant(_WORKER, "news=self._news", "news=tuple", _BUSY),
    Mutant(_MARKER, "SILENT = timedelta(minutes=1)", "SILENT = timedelta(minutes=10)", _WORKED),
    Mutant(_MARKER, " or not is_believed(since, now)", "", _WORKED),
    Mutant(_MARKER, "if self.taken_at is None else timedelta()", "", _WORKED),
    Mutant(
        _MARKER,
        "        if self.taken_at is not None:\n            return self.model_copy",
        "        if False:\n            return self.model_copy",
        _WORKED,
    ),
    Mutant(_MARKER, "if min(exports.values()) < self.due - SOON:", "if False:", _WORKED),
    Mutant(_MARKER, "if wanted != self.exports else None", "", _WORKED),
    Mutant(
        _VERSIONED,
        "return None, blob.etag",
        "return None, None",
        _WORKED,
    ),
    Mutant(
        _ASKING, "    except ExportError as error:\n", "    except ZeroDivisionError as error:\n", _WORKED
    ),
    Mutant(_ASKING, "if is_held(services.state, state.work_lock(account)):", "if False:", _WORKED),
    Mutant(
        _ASKING, "    if marker is None or not marker.is_silent(now):\n", "    if marker is None:\n", _WORKED
    ),
    Mutant(_MESSAGES, "(ValueError, RecursionError)", "ValueError", _WORKED),
    Mutant(_MESSAGES, 'BLOB_CREATED not in (event.get("eventType"), event.get("type"))', "False", _EVENTS),
    Mutant(_MESSAGES, 'if start != "/blobServices/default" or', "if", _EVENTS),
    Mutant(_REFRESHED, "OVERDUE = timedelta(minutes=2)", "OVERDUE = timedelta(minutes=20)", _EVENTS),
    Mutant(
        _REFRESHED, "if known is not None and known.message == message.id:", "if known is not None:", _EVENTS
    ),
    Mutant(_REFRESHED, ' and event.container == container.rpartition("/")[2]', "", _EVENTS),
    Mutant(_REFRESHED, " and event.name.startswith(folder)", "", _EVENTS),
    Mutant(
        _REFRESHED,
        "    with suppress(Changed):\n        services.state.delete(state.REFRESHED, if_match=etag)\n",
        "    pass\n",
        _EVENTS,
    ),
    Mutant(_REFRESHED, "            _take_back(services.state, look, now)\n", "            pass\n", _EVENTS),
    Mutant(_REFRESHED, "return not self.looks and", "return", _EVENTS),
    Mutant(_REFRESHED, 'update={"looks": True}', "update={}", _EVENTS),
    Mutant(_HAND_OUT, "    _for_each(silent, lambda", "    _for_each([], lambda", _FAULTS),
    Mutant(
        _WORKER,
        "    if marker is None or marker.message != message.id:\n",
        "    if marker is None:\n",
        _WORKED,
    ),
    Mutant(_WORKER, "            queue.send(marker.text(), BUSY_AGAIN)\n", "", _WORKED),
    Mutant(_WORKER, "if marker is not None and marker.is_silent(now):", "if False:", _FAULTS),
    Mutant(_WORKER, "alone(export_id, but=TryLater)", "alone(export_id)", _FAULTS),
    Mutant(
        _WORKER,
        "        found = self._open_runs(marker.asked) if marker else []\n        self._etag = etag  # only",
        "        self._etag = etag\n        found = self._open_runs(marker.asked) if marker else []  # only",
        _FAULTS,
    ),
    Mutant(_WORKER, "        queue.send(text, AWAY_AGAIN)\n", "        raise\n", _FAULTS),
    Mutant(_WORKER, "WAITING = 2.0", "WAITING = 200.0", _WORKED),
    Mutant(_TURNS, "if run in self._busy.values():", "if False:", _TAKEN),
    Mutant(_TURNS, "            elif run in self._work:", "            elif False:", _TAKEN),
    Mutant(_TURNS, "left if asked is None else _sooner(left, asked)", "left", _TAKEN),
    Mutant(_QUEUE, "math.ceil(delay)", "int(delay)", _SENT),
    Mutant(_QUEUE, "self._queue.create_queue()", "pass", _SENT),
    Mutant(_QUEUE, "                message_encode_policy=TextBase64EncodePolicy(),\n", "", _SENT),
    Mutant(_QUEUE, "client(url + POISON)", "client(url)", _SENT),
]
