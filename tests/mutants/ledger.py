"""Mutants of what is known of who was sent: digests, the comparison, the ledger."""

from tests.mutants.mutant import Mutant

_DIGESTS = "shared/profiles/digests.py"
_DIGESTED = "tests/profiles/test_digests.py"
_SELECTION = "shared/profiles/selection.py"
_KNOWN = "tests/profiles/test_known.py"
_PEOPLE = "shared/ledger/people.py"
_PACKED = "tests/ledger/test_people.py"
_UPDATE = "shared/ledger/update.py"
_UPDATED = "tests/ledger/test_update.py"
_CONSENTS = "shared/ledger/consents.py"
_CONSENTED = "tests/ledger/test_consents.py"
_FILE = "shared/ledger/file.py"
_SEALED = "shared/ledger/sealed.py"
_READ = "tests/ledger/test_file.py"
_KEY = "shared/ledger/key.py"
_KEYED = "tests/ledger/test_key.py"
_COMPARE = "shared/runs/steps/compare.py"
_CHOSEN = "tests/runs/test_choosing.py"
_LEDGER = "shared/runs/steps/ledger.py"
_CHANGED = "tests/runs/test_changed_only.py::"
_CLOSED = "tests/runs/test_closing.py::"
_GARBLED = "tests/runs/test_garbled_parts.py::test_a_garbled_part_of_people_costs_the_ledger"

LEDGER = [
    # Digests.
    Mutant(_DIGESTS, "address.lower()", "address", _DIGESTED),
    Mutant(_DIGESTS, "blake2b(key=key, digest_size=PERSON)", "blake2b(digest_size=PERSON)", _DIGESTED),
    Mutant(
        _DIGESTS, "blake2b(key=self._key, digest_size=CONTENT)", "blake2b(digest_size=CONTENT)", _DIGESTED
    ),
    Mutant(_DIGESTS, "{mapping.fingerprint()}", "", _DIGESTED),
    Mutant(_DIGESTS, "[types[column] for column in columns]", "[]", _DIGESTED),
    Mutant(_DIGESTS, "[types[column] for column in columns]", "list(types.values())", _DIGESTED),
    Mutant(_DIGESTS, " | {mapping.email}", "", _DIGESTED),
    Mutant(_DIGESTS, '"\\0".join(cells', '"".join(cells', _DIGESTED),
    Mutant(_DIGESTS, '.encode(errors="surrogatepass")', '.encode(errors="replace")', _DIGESTED),
    # Who leaves, and why.
    Mutant(_SELECTION, "number >= 0 and not met[number]", "number >= 0", _KNOWN),
    Mutant(_SELECTION, "(not everybody and known", "(known", _KNOWN),
    Mutant(_SELECTION, "known.content(number) == content)", "known.content(number))", _KNOWN),
    Mutant(_SELECTION, " and not (any_off and known.is_off(number)):", ":", "tests/runs/test_held.py"),
    Mutant(_SELECTION, "if is_off or (", "if (", _KNOWN),
    Mutant(_SELECTION, "                        met[number] = 1\n", "", _KNOWN),
    Mutant(_SELECTION, "                        self.unchanged += 1\n", "", _KNOWN),
    Mutant(_SELECTION, "                        self.off += is_off\n", "", _KNOWN),
    Mutant(
        _SELECTION,
        "                met[number] = 1\n                profile",
        "                profile",
        _KNOWN,
    ),
    Mutant(_SELECTION, "profile._replace(why=self._why(number))", "profile", _KNOWN),
    Mutant(_SELECTION, "not self._new.add(person)", "False", _KNOWN),
    Mutant(
        _SELECTION, "                    self._refused.add(person)\n", "                    pass\n", _KNOWN
    ),
    Mutant(_SELECTION, "                    self.unreadable += 1\n", "                    pass\n", _KNOWN),
    Mutant(_SELECTION, "person not in self._refused and not", "not", _KNOWN),
    Mutant(_SELECTION, "len(self._new) + len(self._met)", "len(self._met)", _KNOWN),
    Mutant(_SELECTION, " - self._met.count(0)", "", _KNOWN),
    Mutant(_SELECTION, "any(self._known.content(number)) and not", "not", _KNOWN),
    Mutant(_SELECTION, " and not self._is_remapped", "", _KNOWN),
    Mutant(_SELECTION, "if is_comparable and not self._everybody else", "if is_comparable else", _KNOWN),
    # People as bytes.
    Mutant(_PEOPLE, "        if len(entries) % WIDTH:\n", "        if False:\n", _PACKED),
    Mutant(
        _PEOPLE,
        "(person[0] << 8 | person[1]) >> self._shift\n        end",
        "(person[0] << 8) >> self._shift\n        end",
        _PACKED,
    ),
    Mutant(_PEOPLE, "        while place % WIDTH and place >= 0:", "        while False:", _PACKED),
    Mutant(_PEOPLE, "place = self.entries.find(person, place + 1, end)", "place = -1", _PACKED),
    Mutant(_PEOPLE, "(1, 0) if _IS_LITTLE", "(0, 1) if _IS_LITTLE", _PACKED),
    Mutant(_PEOPLE, "number * WIDTH + ENTRY] & LEFT", "number * WIDTH + ENTRY]", _PACKED),
    Mutant(_PEOPLE, "number * WIDTH + ENTRY] & OFF", "number * WIDTH + ENTRY]", _PACKED),
    Mutant(_PEOPLE, "bytes(flags & OFF for", "bytes(flags for", _PACKED),
    Mutant(_PEOPLE, "range(PERSON, ENTRY)", "range(PERSON, WIDTH)", _PACKED),
    Mutant(_PEOPLE, "range(PERSON, ENTRY)", "range(PERSON, ENTRY - 1)", _PACKED),
    Mutant(
        _PEOPLE,
        "            entries[self.find(person) * WIDTH + ENTRY] &= ~OFF\n",
        "            pass\n",
        _PACKED,
    ),
    Mutant(_PEOPLE, "WIDTH + ENTRY] |= OFF", "WIDTH + ENTRY] = OFF", _PACKED),
    Mutant(_PEOPLE, "people._readded() if readd else people", "people", _PACKED),
    Mutant(_PEOPLE, "&= ~(OFF | IMPORTED)", "&= ~IMPORTED", _PACKED),
    Mutant(_PEOPLE, "            if self.is_off(number):\n", "            if True:\n", _PACKED),
    # The next ledger.
    Mutant(_UPDATE, "        if len(self.entries) % ENTRY:\n", "        if False:\n", _UPDATED),
    Mutant(_UPDATE, "sorted(places, reverse=True)", "sorted(places)", _UPDATED),
    Mutant(
        _UPDATE, "return Posted(entries, confirmed=False)", "return Posted(entries, self.confirmed)", _UPDATED
    ),
    Mutant(_UPDATE, "            entries[start + ENTRY] &= WAITING\n", "", _UPDATED),
    Mutant(_UPDATE, "entries[start + ENTRY] &= WAITING", "entries[start + ENTRY] = 0", _UPDATED),
    Mutant(_UPDATE, "_WAITING if subscribes else _REST", "_WAITING if before else _REST", _UPDATED),
    Mutant(_UPDATE, "            merged[-1] = person + VOID\n", "            pass\n", _UPDATED),
    Mutant(_UPDATE, "entry if marked.endswith(_CONFIRMED) else person + VOID", "entry", _UPDATED),
    Mutant(_CONSENTS, " and before.find(person) < 0", "", _CONSENTED),
    Mutant(
        _CONSENTS, "            entries[place * WIDTH + ENTRY] |= WAITING *", "            _ =", _CONSENTED
    ),
    Mutant(_CONSENTS, "if moment != NEVER:", "if True:", _CONSENTED),
    Mutant(_CONSENTS, "if subscribes or entry[ENTRY + 1 :] != NEVER", "if subscribes", _CONSENTED),
    Mutant(_CONSENTS, "if subscribes or entry", "if entry", _CONSENTED),
    Mutant(_CONSENTS, " if after.find(entry[:PERSON]) < 0", "", _CONSENTED),
    Mutant(_UPDATE, "        _mark(before, entries, leavers)\n", "        pass\n", _UPDATED),
    Mutant(_UPDATE, "staying.without(leavers.gone) if leavers is not None else staying", "staying", _UPDATED),
    Mutant(_UPDATE, "entry.endswith(VOID) and before", "before", _UPDATED),
    Mutant(_UPDATE, "= entry.endswith(VOID) and before.is_imported(number)", "= False", _UPDATED),
    Mutant(_UPDATE, "                entries[number * WIDTH + ENTRY] &= ~IMPORTED\n", "", _UPDATED),
    Mutant(_UPDATE, ".translate(NOT_LEFT)", "", _UPDATED),
    Mutant(_UPDATE, "+ ENTRY] |= LEFT", "+ ENTRY] = LEFT", _UPDATED),
    Mutant(_UPDATE, "            if person in leavers.doubtful:\n", "            if True:\n", _UPDATED),
    Mutant(_UPDATE, "            if person in leavers.doubtful:\n", "            if False:\n", _UPDATED),
    Mutant(
        _UPDATE,
        "        if number >= 0:\n            entries",
        "        if True:\n            entries",
        _UPDATED,
    ),
    Mutant(_PEOPLE, "start = (number + 1) * WIDTH", "start = number * WIDTH", _UPDATED),
    Mutant(_UPDATE, "people.place(new[number : number + PERSON]) * WIDTH", "len(people) * WIDTH", _UPDATED),
    # Its file.
    Mutant(_SEALED, "    if checksum != file[-_CHECKSUM:]:\n", "    if False:\n", _READ),
    Mutant(_SEALED, ".version > VERSION:", ".version > 9:", _READ),
    Mutant(_SEALED, "        checksum.update(piece)\n", "", _READ),
    Mutant(_FILE, "except (NotFound, InvalidDocument", "except (InvalidDocument", _READ),
    Mutant(_FILE, ", ValueError):", "):", _READ),
    # Its key.
    Mutant(_KEY, "len(secret) < SHORTEST", "len(secret) < SHORTEST - 1", _KEYED),
    Mutant(_KEY, "len(secret) < SHORTEST", "len(secret) <= SHORTEST", _KEYED),
    Mutant(_KEY, "vault.is_writable and in_use is None", "vault.is_writable", _KEYED),
    Mutant(_KEY, "vault.is_writable and in_use is None", "in_use is None", _KEYED),
    Mutant(_KEY, "key is not None and key.id != in_use", "key is not None and in_use is None", _KEYED),
    Mutant(_KEY, "suppress(AlreadyExists, Denied)", "suppress(AlreadyExists)", _KEYED),
    Mutant(_KEY, "except (Denied, NotFound):", "except NotFound:", _KEYED),
    Mutant(_KEY, "except (Denied, NotFound):", "except Denied:", _KEYED),
    Mutant(_KEY, "DigestKey(id={self.id!r})", "DigestKey(id={self.id!r}, key={self.key!r})", _KEYED),
    Mutant(_KEY, "        return _of(_new_secret())\n", "        return _make(vault, store)\n", _KEYED),
    # Which one holds for a run.
    Mutant(_COMPARE, "full or not export.sync.changed_only", "not export.sync.changed_only", _CHOSEN),
    Mutant(_COMPARE, "full or not export.sync.changed_only", "full", _CHOSEN),
    Mutant(_COMPARE, "        if head.may_have_sent:\n", "        if True:\n", _CHOSEN),
    Mutant(_COMPARE, "        if head.may_have_sent:\n", "        if False:\n", _CHOSEN),
    Mutant(_COMPARE, "header.export != export.id or ", "", _CHOSEN),
    Mutant(_COMPARE, " or header.key != key.id", "", _CHOSEN),
    Mutant(_COMPARE, "(header.account, header.list) != (plan.account_id, export.list_id)", "False", _CHOSEN),
    Mutant(_COMPARE, 'warn("old_list_kept", len(ledger.people))', "pass", _CHOSEN),
    Mutant(_COMPARE, "header.mapping != plan.mapping().fingerprint()", "False", _CHOSEN),
    Mutant(_COMPARE, "name=head.ledger, everybody=everybody", "name=head.ledger", _CHOSEN),
    Mutant(_COMPARE, "    except LedgerLost:\n", "    except Exception:\n", _CHOSEN),
    # What a run leaves of it.
    Mutant(
        _LEDGER,
        "None if run.deliveries.jobs else head.ledger",
        "head.ledger",
        f"{_CHANGED}test_without_a_key_everybody_goes_and_nothing_is_kept",
    ),
    Mutant(_LEDGER, "except (PermanentError, ValueError)", "except PermanentError", _GARBLED),
    Mutant(_LEDGER, "except (PermanentError, ValueError)", "except ValueError", _GARBLED),
    Mutant(_LEDGER, "*(job.digest for job in holder.run.deliveries.jobs)", "", _GARBLED),
    Mutant(_LEDGER, "job is not None and len(post) != job.profiles", "False", _GARBLED),
    Mutant(
        _LEDGER,
        "run.full and run.limit is None and",
        "run.full and",
        f"{_CHANGED}test_a_trial_of_a_full_run_leaves_the_others_alone",
    ),
    Mutant(
        _LEDGER,
        "is_void = run.full and",
        "is_void = False and",
        f"{_CHANGED}test_a_full_run_that_was_cut_short_goes_on_being_full",
    ),
    Mutant(
        _LEDGER,
        "if is_complete or before is None else",
        "if True else",
        f"{_CHANGED}test_a_trial_with_a_new_mapping_leaves_the_others_alone",
    ),
    Mutant(
        _LEDGER,
        "        yield post.only(failed)\n",
        "",
        f"{_CHANGED}test_whom_a_job_fails_to_import_is_tried_again",
    ),
    Mutant(
        _LEDGER,
        "post.without(failed).entries",
        "post.entries",
        f"{_CHANGED}test_whom_a_job_fails_to_import_is_tried_again",
    ),
    Mutant(
        _LEDGER,
        "    lock.check()\n    write_ledger",
        "    write_ledger",
        f"{_CLOSED}test_who_has_lost_the_export_writes_no_ledger",
    ),
    Mutant(
        _LEDGER,
        "    lock.check()  #",
        "    #",
        f"{_CLOSED}test_who_has_lost_the_export_removes_no_ledger",
    ),
    Mutant(
        _LEDGER,
        " if blob.name not in needed]",
        "]",
        f"{_CHANGED}test_old_ledgers_and_parts_are_removed",
    ),
]
