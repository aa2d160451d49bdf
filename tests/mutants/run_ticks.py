"""Mutants of what the timer does, how runs begin, and how they are shown."""

from tests.mutants.mutant import Mutant

_FIND = "shared/runs/work/find.py"
_FOUND = "tests/runs/test_find.py"
_QUEUE = "shared/runs/work/turns.py"
_QUEUED = "tests/runs/test_turns_of_work.py"
_ACCOUNT = "shared/runs/lock/account.py"
_TICK = "shared/runs/work/tick.py"
_SERVE = "shared/runs/work/serve.py"
_SLICED = "tests/runs/test_slices.py"
_WORKED = "tests/runs/test_queue.py"
_TICKS = "tests/runs/test_tick.py"
_LISTING = "shared/runs/views/listing.py"
_LISTED = "tests/runs/test_long_history.py::test_no_run_falls_between_two_listings"
_PAGED = "tests/runs/test_long_history.py::test_a_long_history_is_listed_page_by_page"
_HISTORY = "shared/runs/views/history.py"
_SHOWN = "tests/runs/test_pages.py"
_STARTING = "shared/runs/starting.py"
_STARTED = "tests/runs/test_starts.py"
_ADVANCE = "shared/runs/advance.py"
_BAD = "tests/runs/test_one_bad_export.py"

RUN_TICKS = [
    # The timer.
    Mutant(_QUEUE, "if work.account not in self._busy]", "]", _QUEUED),
    Mutant(_QUEUE, "if not free or self._whole.left() <= 0:", "if not free:", _QUEUED),
    Mutant(
        _QUEUE,
        "(max(work.not_before, now), work.advanced_at)",
        "(work.not_before, work.advanced_at)",
        _QUEUED,
    ),
    Mutant(_QUEUE, "(max(work.not_before, now), work.advanced_at)", "max(work.not_before, now)", _QUEUED),
    Mutant(
        _QUEUE,
        "if pause and pause >= self._waiting.left():",
        "if pause and pause > self._waiting.left():",
        _QUEUED,
    ),
    Mutant(
        _QUEUE, "if pause and pause >= self._waiting.left():", "if pause >= self._waiting.left():", _QUEUED
    ),
    Mutant(_QUEUE, "            del self._work[_run_of(work)]\n", "", _QUEUED),
    Mutant(_QUEUE, "            self._busy[work.account] = _run_of(work)\n", "", _QUEUED),
    Mutant(_QUEUE, "        self._whole.sleep(pause)\n", "", _QUEUED),
    Mutant(_QUEUE, "self._busy.pop(account)", "self._busy[account]", _QUEUED),
    Mutant(_QUEUE, "            if left is not None:\n", "            if False:\n", _QUEUED),
    Mutant(_QUEUE, "                not work.paused\n                and ", "                ", _QUEUED),
    Mutant(_QUEUE, "                and work.not_before <= now\n", "", _QUEUED),
    Mutant(_QUEUE, "            self._add(news)\n", "", _QUEUED),
    Mutant(_ACCOUNT, "account.id if account and PLAIN_ID.fullmatch(account.id) else", "", _FOUND),
    Mutant(_QUEUE, "SLICE = 60.0", "SLICE = 600.0", _QUEUED),
    Mutant(_QUEUE, "GLANCE = 10.0", "GLANCE = 100.0", _QUEUED),
    Mutant(_QUEUE, "return 0.0 if self._is_over else min(SLICE", "return min(SLICE", _QUEUED),
    Mutant(_QUEUE, "min(SLICE, self._whole.left())", "self._whole.left()", _QUEUED),
    Mutant(_QUEUE, "work.account == account or", "", _QUEUED),
    Mutant(_QUEUE, " or work.account not in self._busy)", ")", _QUEUED),
    Mutant(_QUEUE, "len({work.account for work in self._work.values()})", "len(self._work)", _QUEUED),
    Mutant(_TICK, "ACCOUNTS_AT_ONCE = 4", "ACCOUNTS_AT_ONCE = 1", _QUEUED),
    Mutant(_SERVE, "    except NewerVersion:\n        return None\n", "", _WORKED),
    Mutant(_SERVE, "        advanced_at=clock.now(),\n            not_before", "        not_before", _TICKS),
    Mutant(_SERVE, "            paused=progress.is_paused,\n", "", _SLICED),
    Mutant(_SERVE, "return None if progress.record.is_closed else left", "return left", _WORKED),
    Mutant(_SERVE, " or is_account_wanted(services, work.account)", "", _SLICED),
    Mutant(_SERVE, "not_before=clock.now() + AGAIN)", "not_before=NEVER)", _BAD),
    Mutant(_SERVE, "        log_failure(work.export, error)\n", "        pass\n", _BAD),
    Mutant(_SERVE, "turns.somebody_waits(work.account) or ", "", _SLICED),
    Mutant(
        _SERVE,
        "    except Exception as error:  #",
        "    except ZeroDivisionError.__class__ as error:  #",
        _BAD,
    ),
    Mutant(_FIND, "LOOK_AGAIN = timedelta(minutes=2.5)", "LOOK_AGAIN = timedelta(minutes=25)", _TICKS),
    Mutant(_FIND, "entry.advanced_at or NEVER", "NEVER", _FOUND),
    Mutant(_FIND, "{name for entry in entries.values() for name in entry.pinned}", "set[str]()", _FOUND),
    Mutant(_FIND, "export.is_active or listed.id not in entries", "export.is_active", _FOUND),
    Mutant(
        _FIND,
        "        if versions is not None:\n            record_baseline",
        "        if True:\n            record_baseline",
        _FOUND,
    ),
    Mutant(_FIND, "if entry.open is not None or versions is None:", "if versions is None:", _FOUND),
    Mutant(_FIND, "if entry.open is not None or versions is None:", "if entry.open is not None:", _FOUND),
    Mutant(
        _FIND,
        "        extend_baseline(services, export, entry, versions)\n        return\n",
        "        return\n",
        _TICKS,
    ),
    Mutant(_FIND, "and now - last < LOOK_AGAIN", "and now - last <= LOOK_AGAIN", _TICKS),
    Mutant(_FIND, "wanted_versions(export, versions), entry)", "wanted_versions(export, versions))", _TICKS),
    Mutant(
        _FIND,
        "if entry.paused or entry.not_before is None or is",
        "if entry.not_before is None or is",
        _FOUND,
    ),
    Mutant(_FIND, " or is_superseded(entry.pinned, versions):", ":", _FOUND),
    Mutant(_FIND, "if is_believed(entry.not_before, now) else NEVER", "", _FOUND),
    Mutant(_FIND, "return entry.account or export_id", "return export_id", _FOUND),
    Mutant(
        _FIND, "    if entry.account is None and isinstance(export, Export):\n", "    if False:\n", _FOUND
    ),
    # What is shown.
    Mutant(_LISTING, "MOST_AT_ONCE = 100", "MOST_AT_ONCE = 10_000", _PAGED),
    Mutant(_LISTING, "range(31, 0, -1)", "range(30, 0, -1)", _LISTED),
    Mutant(_LISTING, "range(31, 0, -1)", "range(31, 1, -1)", _LISTED),
    Mutant(_LISTING, "range(23, -1, -1)", "range(22, -1, -1)", _LISTED),
    Mutant(_LISTING, "range(23, -1, -1)", "range(23, 0, -1)", _LISTED),
    Mutant(_LISTING, "range(59, -1, -1)", "range(58, -1, -1)", _LISTED),
    Mutant(_LISTING, "range(59, -1, -1)", "range(59, 0, -1)", _LISTED),
    Mutant(_LISTING, "            if run_id < before:\n", "            if run_id <= before:\n", _LISTED),
    Mutant(_LISTING, "    while month >= first:\n", "    while month > first:\n", _LISTED),
    Mutant(_LISTING, "int(month[4:]) - 2, 12)", "int(month[4:]) - 3, 12)", _LISTED),
    Mutant(_LISTING, "islice(records, MOST_AT_ONCE + 1)", "islice(records, MOST_AT_ONCE)", _LISTED),
    Mutant(_LISTING, "yield from reversed(found)", "yield from found", _LISTED),
    Mutant(
        _LISTING,
        'next(_records(store, export_id, "", page=1), None)',
        'min(_records(store, export_id, "", page=1000), default=None)',
        _PAGED,
    ),
    Mutant(_HISTORY, "now + timedelta(days=1)", "now", _SHOWN),
    Mutant(_HISTORY, '*(f"{each}~" for each in known), ', "", _SHOWN),
    Mutant(_HISTORY, ", opened]\n    )", "]\n    )", _SHOWN),
    Mutant(_HISTORY, "        end = min(before, end)\n", "        end = before\n", _SHOWN),
    Mutant(_HISTORY, " if run_id != opened)", ")", _SHOWN),
    Mutant(_HISTORY, "islice(closed, limit + 1)", "islice(closed, limit)", _SHOWN),
    Mutant(_HISTORY, "if opened and not (before and opened >= before):", "if opened:", _SHOWN),
    Mutant(
        _HISTORY,
        "if opened and not (before and opened >= before):",
        "if opened and not (before and opened > before):",
        _SHOWN,
    ),
    Mutant(_HISTORY, "sorted([opened, *page], reverse=True)", "[opened, *page]", _SHOWN),
    Mutant(_HISTORY, "if len(page) > limit else None", "if len(page) >= limit else None", _SHOWN),
    Mutant(
        _HISTORY,
        "    except NotFound:\n        run = read_open_run(store, export_id)\n",
        "    except NotFound:\n        run = None\n",
        _SHOWN,
    ),
    Mutant(_HISTORY, "if run is not None and run.record.id == run_id:", "if run is not None:", _SHOWN),
    # How a run begins.
    Mutant(_STARTING, "request.seen is not None and request.seen != head.entry()", "False", _TICKS),
    Mutant(_STARTING, "        head.begin_attempt(request.versions, now)\n", "        pass\n", _TICKS),
    Mutant(
        _STARTING,
        "        limit=request.limit,\n",
        "",
        "tests/runs/test_trial.py",
    ),
    Mutant(
        _STARTING,
        "        full=request.full,\n",
        "",
        "tests/runs/test_changed_only.py::test_a_full_run_sends_everybody",
    ),
    Mutant(
        _STARTING,
        "if request.limit is not None and request.limit != run.limit:",
        "if False:",
        "tests/runs/test_trial.py",
    ),
    Mutant(_STARTING, "int(last.removeprefix(stem), 16) + 1", "int(last.removeprefix(stem), 16)", _STARTED),
    Mutant(_STARTING, "int(last.removeprefix(stem), 16) + 1", "secrets.randbelow(0x8000)", _STARTED),
    Mutant(_STARTING, 'self.trigger != "schedule"', "True", _STARTED),
    Mutant(
        _STARTING,
        '{name: versions.get(name, "") for name in export.segments}\n    create',
        "dict(versions)\n    create",
        _STARTED,
    ),
    Mutant(_STARTING, " if name not in seen.exported}", "}", _STARTED),
    Mutant(
        _STARTING,
        "lock.head.exported |= new\n        lock.checkpoint()",
        "lock.head.exported |= new",
        _STARTED,
    ),
    Mutant(
        _ADVANCE,
        "lock.head.open is not None and is_outdated(services, lock.run)",
        "False",
        "tests/runs/test_outdated.py",
    ),
    Mutant(_ADVANCE, "progress.is_trial and request.limit is None", "False", "tests/runs/test_trial.py"),
    Mutant(_ADVANCE, "    if record.is_closed:  #", "    if False:  #", "tests/runs/test_interrupts.py"),
    Mutant(_ADVANCE, "on_demand=request.is_on_demand", "on_demand=True", _STARTED),
    Mutant(_ADVANCE, "on_demand=request.is_on_demand", "on_demand=False", "tests/runs/test_outdated.py"),
    Mutant(
        _ADVANCE,
        "            if not (progress.record.is_closed and progress.is_outdated):\n",
        "            if True:\n",
        "tests/runs/test_outdated.py",
    ),
    Mutant(
        _ADVANCE,
        "            if not (progress.record.is_closed and progress.is_outdated):\n",
        "            if not progress.record.is_closed:\n",
        _STARTED,
    ),
    Mutant(
        _ADVANCE, "lock.head.open is None or lock.run.record.id != run_id", "lock.head.open is None", _STARTED
    ),
    Mutant(_ADVANCE, "            break\n", "", _STARTED),
    Mutant(
        _ADVANCE,
        "    except AlreadyRunning:\n        record = read_run",
        "    except ZeroDivisionError:\n        record = read_run",
        _STARTED,
    ),
]
