"""Mutants of a holder's turn: its lease, its loop, and what it is told."""

from tests.mutants.mutant import Mutant

_LEASE = "shared/runs/lock/lease.py"
_LEASED = "tests/runs/test_lease.py"
_TURN = "shared/runs/turn.py"
_TURNS = "tests/runs/test_turns.py"
_PEOPLE = "tests/runs/test_for_people.py"
_SIGNALS = "shared/runs/signals.py"
_SIGNALED = "tests/runs/test_signals.py"

RUN_TURNS = [
    Mutant("shared/adapters/storage/blob_lease.py", "LEASE_SECONDS = 60", "LEASE_SECONDS = 15", _LEASED),
    Mutant(_LEASE, "RENEW_EVERY = 15.0", "RENEW_EVERY = 45.0", _LEASED),
    Mutant(_LEASE, "TRUSTED_FOR = 40.0", "TRUSTED_FOR = 70.0", _LEASED),
    Mutant(
        _LEASE,
        "            except LeaseLost:\n                self._lost = True",
        "            except LeaseLost:\n                pass",
        _LEASED,
    ),
    Mutant(
        _LEASE,
        "                self._renewed = before\n",
        "                self._renewed = self._clock.monotonic()\n",
        _LEASED,
    ),
    Mutant(
        _LEASE,
        "acquired_at = clock.monotonic()\n        lease = store.acquire(name)\n",
        "lease = store.acquire(name)\n        acquired_at = clock.monotonic()\n",
        _LEASED,
    ),
    Mutant(_LEASE, "        if self._age() > TRUSTED_FOR:\n            self._renew()\n", "", _LEASED),
    Mutant(
        _LEASE,
        "        if self._age() > TRUSTED_FOR:\n            self._renew()\n",
        "        self._renew()\n",
        _LEASED,
    ),
    Mutant(
        _LEASE,
        "if self._age() > TRUSTED_FOR:\n            raise",
        "if False:\n            raise",
        _LEASED,
    ),
    Mutant(
        _LEASE,
        "if self._lost:",
        "if False:",
        _LEASED,
    ),
    Mutant(_LEASE, "            lease.release()\n", "            pass\n", _LEASED),
    Mutant(_LEASE, "            thread.join()\n", "            pass\n", _LEASED),
    Mutant(_LEASE, "while not done.wait(RENEW_EVERY):\n            self._renew()", "done.wait()", _LEASED),
    # The loop of a turn.
    Mutant(
        _TURN,
        "        run.begin_turn(holder.now())\n        holder.lock.checkpoint()\n",
        "        run.begin_turn(holder.now())\n",
        _TURNS,
    ),
    Mutant(_TURN, "        run.begin_turn(holder.now())\n", "", _TURNS),
    Mutant(_TURN, "        run.end_turn()\n", "", _TURNS),
    Mutant(
        _TURN,
        "        run.end_turn()\n        holder.lock.checkpoint()\n",
        "        run.end_turn()\n",
        _TURNS,
    ),
    Mutant(_TURN, "run.wait.until if run.wait else None", "None", _TURNS),
    Mutant(_TURN, "superseded or self._signals.newer_due", "superseded", _TURNS),
    Mutant(_TURN, "superseded or self._signals.newer_due", "self._signals.newer_due", _TURNS),
    Mutant(
        _TURN,
        '            self._run.cut_short("canceled")\n        except',
        '            self._run.cut_short("superseded")\n        except',
        _TURNS,
    ),
    Mutant(
        _TURN,
        "        except KeyElsewhere:\n            self._run.finish_look(self._holder.now(), is_last=True)\n",
        "",
        _TURNS,
    ),
    Mutant(_TURN, "            if step is Step.CLOSE:\n                raise\n", "", _TURNS),
    Mutant(_TURN, 'problem.code == "invalid_key" and self._may_read_key_again', "False", _TURNS),
    Mutant(
        _TURN,
        "        self._may_read_key_again = True\n",
        "        self._may_read_key_again = False\n",
        _TURNS,
    ),
    Mutant(_TURN, 'problem.code == "invalid_key" and self', "self", _TURNS),
    Mutant(
        _TURN,
        "self._may_read_key_again = False  #",
        "self._may_read_key_again = True  #",
        _TURNS,
    ),
    Mutant(
        _TURN,
        "                head.wait_for_change(fingerprint(self._holder.services, head.export))\n",
        "                pass\n",
        _PEOPLE,
    ),
    Mutant(_TURN, "            if _is_for_people(problem):\n", "            if True:\n", _PEOPLE),
    Mutant(
        _TURN,
        "(Denied, NotFound, InvalidDocument, InvalidSettings)",
        "(Denied, NotFound, InvalidSettings)",
        _PEOPLE,
    ),
    Mutant(
        _TURN,
        "(Denied, NotFound, InvalidDocument, InvalidSettings)",
        "(Denied, InvalidDocument, InvalidSettings)",
        _PEOPLE,
    ),
    Mutant(
        _TURN,
        "(Denied, NotFound, InvalidDocument, InvalidSettings)",
        "(NotFound, InvalidDocument, InvalidSettings)",
        _PEOPLE,
    ),
    Mutant(_TURN, '{"too_many_profiles", "ambiguous_segment"', '{"ambiguous_segment"', _PEOPLE),
    Mutant(_TURN, '"ambiguous_segment", "ambiguous_column"}', '"ambiguous_segment"}', _PEOPLE),
    Mutant(_TURN, '{"blocked", "retired_revision"}', '{"retired_revision"}', _PEOPLE),
    Mutant(_TURN, '{"blocked", "retired_revision"}', '{"blocked"}', _PEOPLE),
    Mutant(
        _TURN,
        "                raise  # the record",
        "                pass  # the record",
        "tests/runs/test_storage_away.py",
    ),
    Mutant(
        _TURN,
        "if step is Step.LAST_LOOK:\n                self",
        "if False:\n                self",
        "tests/runs/test_outdated.py",
    ),
    Mutant(_TURN, "PAUSE = 30.0", "PAUSE = 300.0", _TURNS),
    Mutant(_TURN, "PAUSE if problem.retry_after is None else problem.retry_after", "PAUSE", _TURNS),
    Mutant(
        _TURN, "timedelta(seconds=seconds), problem.code)\n", 'timedelta(seconds=seconds), "waits")\n', _TURNS
    ),
    Mutant(
        _TURN,
        "            return True\n        self._holder.lock.checkpoint()\n",
        "            return True\n",
        _TURNS,
    ),
    Mutant(
        _TURN,
        '                run.cut_short("canceled")\n                holder.lock.checkpoint()\n',
        '                run.cut_short("canceled")\n',
        _TURNS,
    ),
    Mutant(
        _TURN,
        '                run.cut_short("superseded")\n                holder.lock.checkpoint()\n',
        '                run.cut_short("superseded")\n',
        _TURNS,
    ),
    Mutant(
        _TURN,
        "message=NO_PROGRESS))\n                holder.lock.checkpoint()\n",
        "message=NO_PROGRESS))\n",
        _TURNS,
    ),
    Mutant(_TURN, "is_last=step is Step.LAST_LOOK", "is_last=False", "tests/runs/test_outdated.py"),
    Mutant(
        _TURN,
        "                    if not send(holder):\n                        return True\n",
        "                    send(holder)\n",
        "tests/runs/test_tick.py",
    ),
    Mutant(_TURN, "closed = close_again(holder)", "closed = None", "tests/runs/test_closing.py"),
    # What the holder is told.
    Mutant(
        _SIGNALS,
        "        return Signals(newer_due=on_demand and _may_end(holder, on_demand))\n",
        "        pass\n",
        _SIGNALED,
    ),
    Mutant(
        _SIGNALS,
        "_may_end(holder, on_demand) and (on_demand or _is_newer_due(holder))",
        "_may_end(holder, on_demand)",
        _SIGNALED,
    ),
    Mutant(
        _SIGNALS,
        "_may_end(holder, on_demand) and (on_demand or _is_newer_due(holder))",
        "_may_end(holder, on_demand) and _is_newer_due(holder)",
        _SIGNALED,
    ),
    Mutant(
        _SIGNALS,
        "_may_end(holder, on_demand) and (on_demand or _is_newer_due(holder))",
        "(on_demand or _is_newer_due(holder))",
        _SIGNALED,
    ),
    Mutant(_SIGNALS, "return run.plan is not None and _has", "return run.plan is None or _has", _SIGNALED),
    Mutant(
        _SIGNALS,
        "    if on_demand:\n        return is_outdated(holder.services, holder.run)\n",
        "",
        _SIGNALED,
    ),
    Mutant(_SIGNALS, "holder.lock.head.pinned())", "holder.plan.versions())", _SIGNALED),
    Mutant(_SIGNALS, " if segments else {}", "", _SIGNALED),
    Mutant(
        _SIGNALS,
        "        return services.segments.versions(segments)",
        "        return dict.fromkeys(segments, '~')",
        _SIGNALED,
    ),
    Mutant(
        _SIGNALS,
        "    except ExportError:\n        return False\n    return is_newer_due",
        "    except ZeroDivisionError:\n        return False\n    return is_newer_due",
        _SIGNALED,
    ),
    Mutant(
        _SIGNALS,
        "    except ExportError as problem:\n",
        "    except ZeroDivisionError as problem:\n",
        _SIGNALED,
    ),
    Mutant(_SIGNALS, " or not run.is_paused", "", _SIGNALED),
    Mutant(
        _SIGNALS,
        "    except ExportError:\n        return False  #",
        "    except ExportError:\n        return True  #",
        _SIGNALED,
    ),
    Mutant(
        _SIGNALS, "run.plan.export.connection) is not None", "run.plan.export.connection) is None", _SIGNALED
    ),
]
