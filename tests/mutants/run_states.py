"""Mutants of what is decided about runs without I/O: their states, their jobs, what is due."""

from tests.mutants.mutant import Mutant

_RUN = "shared/runs/run.py"
_STATES = "tests/runs/test_states.py"
_VERBS = "tests/runs/test_verbs.py"
_DELIVERIES = "shared/runs/deliveries.py"
_CANCELED = "            if signals.canceled:\n                return Step.CANCEL\n"
_SUPERSEDED = "if signals.superseded:\n                return Step.SUPERSEDE\n"
_DELIVERED = "tests/runs/test_deliveries.py"
_DUE = "shared/runs/due.py"
_DUES = "tests/runs/test_due.py"
_NEWER = "tests/runs/test_newer.py"

RUN_STATES = [
    # The bounds.
    Mutant(_RUN, "MOST_UNFINISHED_TURNS = 5", "MOST_UNFINISHED_TURNS = 6", _VERBS),
    Mutant(_RUN, "MOST_UNFINISHED_TURNS = 5", "MOST_UNFINISHED_TURNS = 4", _VERBS),
    Mutant(_RUN, "hours=1, minutes=5", "hours=1, minutes=6", _VERBS),
    Mutant(_RUN, "hours=1, minutes=5", "hours=1", _VERBS),
    Mutant(_RUN, "PAUSED_AGAIN = timedelta(seconds=5)", "PAUSED_AGAIN = timedelta(minutes=5)", _VERBS),
    Mutant(_RUN, "MOST_PART_FAILURES = 3", "MOST_PART_FAILURES = 30", _VERBS),
    Mutant(_RUN, "(5, 10, 20, 40, 60)", "(5, 10, 20, 40, 40)", _STATES),
    Mutant(_RUN, "LATER = 300", "LATER = 3000", _STATES),
    # The verbs.
    Mutant(_RUN, "self.unfinished_turns += 1", "self.unfinished_turns = 1", _STATES),
    Mutant(_RUN, "        self.wait = None\n        for job", "        for job", _VERBS),
    Mutant(_RUN, "min(job.accepted_at, now)", "now", _VERBS),
    Mutant(_RUN, "min(job.accepted_at, now)", "job.accepted_at", _STATES),
    Mutant(
        _RUN,
        '"""The holder ends its turn, alive."""\n        self.unfinished_turns = 0',
        '"""The holder ends its turn, alive."""',
        _STATES,
    ),
    Mutant(_RUN, "        self.plan = plan\n", "", _VERBS),
    Mutant(_RUN, "self.record.segments = [segment.record() for segment in plan.segments]", "pass", _VERBS),
    Mutant(_RUN, 'self.record.status = "running"', "pass", _VERBS),
    Mutant(_RUN, "self.record.started_at = now", "pass", _VERBS),
    Mutant(_RUN, 'self.record.warn("limited", self.limit)', "pass", _VERBS),
    Mutant(_RUN, "self.deliveries.jobs.append(job)", "self.deliveries.jobs = [job]", _VERBS),
    Mutant(
        _RUN,
        "self.deliveries.jobs.append(job)\n        self.unfinished_turns = 0",
        "self.deliveries.jobs.append(job)",
        _STATES,
    ),
    Mutant(
        _RUN,
        "self.deliveries.checked = dict(",
        "self.deliveries.checked = (self.deliveries.checked or {}) | dict(",
        _VERBS,
    ),
    Mutant(
        _RUN,
        "counts.filtered = selection.filtered\n        counts.duplicates = selection.duplicates",
        "counts.filtered = selection.duplicates\n        counts.duplicates = selection.filtered",
        _VERBS,
    ),
    Mutant(_RUN, "counts.sent = self.deliveries.profiles\n        self", "self", _VERBS),
    Mutant(
        _RUN,
        '        self.record.count_rejected(self.deliveries.refusals())\n        self.record.warn("sent',
        '        self.record.warn("sent',
        _VERBS,
    ),
    Mutant(_RUN, 'self.record.warn("sent_twice", self.deliveries.sent_twice)', "pass", _VERBS),
    Mutant(_RUN, "            self.record.warn(code, count)", "            pass", _VERBS),
    Mutant(_RUN, "        if is_last:\n            self.deliveries.give_up()\n", "", _STATES),
    Mutant(_RUN, "        if is_last:\n", "        if True:\n", _VERBS),
    Mutant(_RUN, "        self.looks += 1\n", "", _STATES),
    Mutant(
        _RUN,
        "self.wait = Wait(until=until, reason=reason)",
        "self.wait = Wait(until=until)",
        "tests/runs/test_turns.py",
    ),
    Mutant(_RUN, "self.part_failures <= MOST", "self.part_failures < MOST", _VERBS),
    Mutant(
        _RUN,
        "        self.wait = None\n        self.unfinished_turns = 1",
        "        self.unfinished_turns = 1",
        _VERBS,
    ),
    Mutant(_RUN, "        self.unfinished_turns = 1  #", "        #", _VERBS),
    Mutant(_RUN, "        self.unfinished_turns = 1  #", "        self.unfinished_turns = 0  #", _VERBS),
    Mutant(_RUN, 'self.record.warn("superseded")', "pass", _VERBS),
    Mutant(_RUN, 'if cause == "superseded":', "if True:", _VERBS),
    Mutant(_RUN, "State.CONFIRMING if is_unsettled else State.CLOSING", "State.CLOSING", _STATES),
    Mutant(_RUN, "State.CONFIRMING if is_unsettled else State.CLOSING", "State.CONFIRMING", _STATES),
    Mutant(_RUN, " and self.state is State.SENDING", "", _STATES),
    Mutant(_RUN, "cut = self.cut or Cut(", "cut = Cut(", _STATES),
    Mutant(_RUN, "error=cut.error or error", "error=error", _STATES),
    Mutant(_RUN, "        self.deliveries.give_up()\n        self._enter", "        self._enter", _VERBS),
    Mutant(_RUN, "now < wait.until and", "now <= wait.until and", _VERBS),
    Mutant(_RUN, " <= now + LONGEST_WAIT", "", _STATES),
    # What is shown of it.
    Mutant(_RUN, "model_copy(deep=True)", "model_copy()", _VERBS),
    Mutant(_RUN, "record.jobs = [job.record() for job in jobs]", "pass", _VERBS),
    Mutant(_RUN, "if self.deliveries.checked is not None:", "if True:", _VERBS),
    Mutant(_RUN, "if self.deliveries.checked is not None:", "if False:", _VERBS),
    Mutant(_RUN, "record.counts.sent = self.deliveries.profiles", "pass", _VERBS),
    Mutant(_RUN, "record.counts.imported = sum(job.imported for job in jobs)", "pass", _VERBS),
    Mutant(
        _RUN, "sum(job.failed for job in jobs if job.is_settled)", "sum(job.failed for job in jobs)", _VERBS
    ),
    Mutant(
        _RUN,
        "sum(job.unconfirmed for job in jobs if job.is_settled)",
        "sum(job.unconfirmed for job in jobs)",
        _VERBS,
    ),
    Mutant(_RUN, 'record.warn("unconfirmed", record.counts.unconfirmed)', "pass", _VERBS),
    Mutant(_RUN, "self.record.phase = PHASES[state]", "pass", _STATES),
    Mutant(_RUN, "if state not in TRANSITIONS[self.state]:", "if False:", _STATES),
    # What comes next.
    Mutant(_RUN, "run.unfinished_turns > MOST", "run.unfinished_turns >= MOST", _STATES),
    Mutant(_RUN, f"State.SENDING:\n{_CANCELED}", "State.SENDING:\n", _STATES),
    Mutant(
        _RUN,
        f"is_removing = run.state is State.REMOVING\n{_CANCELED}",
        "is_removing = run.state is State.REMOVING\n",
        _STATES,
    ),
    Mutant(_RUN, " and ledger.is_whole", "", _STATES),
    Mutant(_RUN, " and not self.full", "", _STATES),
    Mutant(_RUN, "and self.limit is None", "", _STATES),
    Mutant(_RUN, "consent is None or self.cut is not None", "consent is None", _STATES),
    Mutant(
        _RUN, "Step.STOP_REMOVING if is_removing else Step.STOP_SUBSCRIBING", "Step.STOP_REMOVING", _STATES
    ),
    Mutant(_RUN, _SUPERSEDED, _SUPERSEDED.replace(":", " and not is_worn_out:"), _VERBS),
    Mutant(_RUN, _SUPERSEDED, _SUPERSEDED.replace(":", " or signals.newer_due:"), _VERBS),
    Mutant(_RUN, "Step.PIN if run.plan is None else", "Step.PIN if run.state is State.PINNING else", _STATES),
    Mutant(_RUN, " or signals.newer_due or run", " or run", _STATES),
    Mutant(_RUN, " or run.deliveries.is_overdue(now)", "", _STATES),
    Mutant(_RUN, ' and self.wait.reason == "paused"', "", _STATES),
    Mutant(_RUN, "if signals.paused else step", "", _STATES),
    Mutant(_RUN, "return Rest(wait.until) if wait else step", "return step", _STATES),
    # What Klaviyo has accepted.
    Mutant(
        _DELIVERIES, "LOST_AFTER = timedelta(minutes=15)", "LOST_AFTER = timedelta(minutes=1)", _DELIVERED
    ),
    Mutant(_DELIVERIES, "LOST_AFTER = timedelta(minutes=15)", "LOST_AFTER = timedelta(hours=15)", _DELIVERED),
    Mutant(_DELIVERIES, "timedelta(hours=24)", "timedelta(hours=23)", _DELIVERED),
    Mutant(_DELIVERIES, "timedelta(hours=24)", "timedelta(hours=25)", _DELIVERED),
    Mutant(_DELIVERIES, "now - max(job", "now - min(job", _DELIVERED),
    Mutant(_DELIVERIES, "return bool(self.jobs) and now", "return not self.jobs or now", _DELIVERED),
    Mutant(
        _DELIVERIES,
        "self.profiles - self.failed - self.unconfirmed if",
        "self.profiles - self.failed if",
        _DELIVERED,
    ),
    Mutant(_DELIVERIES, "min(self.profiles, failed)", "failed", _DELIVERED),
    Mutant(_DELIVERIES, "self.unconfirmed = max(0, unsaid)", "self.unconfirmed = 0", _DELIVERED),
    Mutant(_DELIVERIES, "0 if completed is None else", "0 if not completed else", _DELIVERED),
    Mutant(_DELIVERIES, "max(0, unsaid)", "abs(unsaid)", _DELIVERED),
    Mutant(
        _DELIVERIES,
        "0 if completed is None else self.profiles - self.failed - completed",
        "self.profiles - self.failed - (completed or 0)",
        _DELIVERED,
    ),
    Mutant(_DELIVERIES, "JobStatus.CANCELED, self.profiles", "JobStatus.CANCELED, 0", _DELIVERED),
    Mutant(_DELIVERIES, '"lost", self.profiles', '"lost", 0', _DELIVERED),
    Mutant(_DELIVERIES, "            self.lose()\n", "            pass\n", _DELIVERED),
    Mutant(
        _DELIVERIES,
        "job.batch == digest and job.digest not in delivered",
        "job.digest not in delivered",
        _DELIVERED,
    ),
    Mutant(_DELIVERIES, "job.batch == digest and job.digest not in delivered", "False", _DELIVERED),
    Mutant(
        _DELIVERIES, "job.batch == digest and job.digest not in delivered", "job.batch == digest", _DELIVERED
    ),
    Mutant(_DELIVERIES, "        self.unfinished.pop(digest, None)\n", "", _DELIVERED),
    Mutant(_DELIVERIES, "        self.unfinished[digest] = rejected\n", "        pass\n", _DELIVERED),
    Mutant(_DELIVERIES, "        self._forget_jobs(lambda job: job.batch not in planned)\n", "", _DELIVERED),
    Mutant(
        _DELIVERIES,
        "        self.finished = [batch for batch in self.finished if batch.digest in planned]\n",
        "",
        _DELIVERED,
    ),
    Mutant(_DELIVERIES, "        self.unfinished.clear()\n", "", _DELIVERED),
    Mutant(
        _DELIVERIES,
        "            if not job.is_settled:\n                job.lose()",
        "            job.lose()",
        _DELIVERED,
    ),
    Mutant(_DELIVERIES, "(self.checked or {}, *batches)", "batches", _DELIVERED),
    Mutant(_DELIVERIES, "self.finished), *self.unfinished.values())", "self.finished),)", _DELIVERED),
    Mutant(_DELIVERIES, "self.finished), *self.unfinished}", "self.finished)}", _DELIVERED),
    Mutant(_DELIVERIES, "self.sent_twice += self.profiles", "self.sent_twice = self.profiles", _DELIVERED),
    # What is due.
    Mutant(_DUE, 'versions.get(name, "") > version for', 'versions.get(name, "") != version for', _NEWER),
    Mutant(_DUE, 'any(versions.get(name, "") > version', 'all(versions.get(name, "") > version', _NEWER),
    Mutant(_DUE, 'versions.get(name, "") > entry', 'versions.get(name, "") != entry', _DUES),
    Mutant(_DUE, 'any(versions.get(name, "") > entry', 'all(versions.get(name, "") > entry', _DUES),
    Mutant(_DUE, " if name in entry.exported)", ")", _DUES),
    Mutant(_DUE, "MOST_ATTEMPTS = 8", "MOST_ATTEMPTS = 9", _NEWER),
    Mutant(_DUE, "retry.attempts < MOST", "retry.attempts <= MOST", _DUES),
    Mutant(_DUE, "is_over = now >= retry", "is_over = now > retry", _NEWER),
    Mutant(_DUE, " or not is_believed(retry.not_before, now)", "", _NEWER),
    Mutant(_DUE, "    if not export.is_active:\n        return False\n", "", _DUES),
    Mutant(_DUE, "entry.retry.versions.keys() == set(export.segments)", "True", _NEWER),
    Mutant(_DUE, "is_owed or _has_come", "_has_come", _DUES),
    Mutant(_DUE, "return export.is_active and is_time", "return is_time", _DUES),
    Mutant(_DUE, " or not versions.keys() >= set(export.segments)", "", _DUES),
    Mutant(
        _DUE,
        "_believed(now, entry.succeeded_at, changed_at)",
        "_believed(now, entry.scheduled_at, changed_at)",
        _NEWER,
    ),
    Mutant(
        _DUE, "_believed(now, entry.succeeded_at, changed_at)", "_believed(now, entry.succeeded_at)", _NEWER
    ),
    Mutant(_DUE, "return since is not None and next", "return since is None or next", _NEWER),
    Mutant(
        _DUE,
        "since is None or next_time(when, since) <= now",
        "since is None or next_time(when, since) < now",
        _NEWER,
    ),
    Mutant(_DUE, "since is None or next", "since is not None and next", _NEWER),
    Mutant(_DUE, "_believed(now, entry.scheduled_at, changed_at)", "entry.scheduled_at", _DUES),
    Mutant(_DUE, " and is_believed(time, now)", "", _NEWER),
    Mutant(_DUE, "max((time for", "min((time for", _DUES),
    Mutant(_DUE, "retry.versions == wanted_versions(export, versions)", "True", _NEWER),
    Mutant(_DUE, '{name: versions.get(name, "") for name in export.segments}', "dict(versions)", _NEWER),
    Mutant(_DUE, "astimezone(UTC)) > after", "astimezone(UTC)) != after", _DUES),
    Mutant(_DUE, "after.astimezone(ZoneInfo(cron.timezone))", "after", _DUES),
]
