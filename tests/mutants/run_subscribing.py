"""Mutants of whom a run subscribes."""

from tests.mutants.mutant import Mutant

_SUBSCRIBE = "shared/runs/steps/subscribe.py"
_CONSENT = "shared/runs/steps/consent.py"
_PIN = "shared/runs/steps/pin.py"
_COMPARE = "shared/runs/steps/compare.py"
_TESTS = "tests/runs/test_subscribing.py"
_MOVED = f"{_TESTS}::test_who_unsubscribed_and_moved_house_stays_unsubscribed"
_LOST = f"{_TESTS}::test_where_it_is_not_known_who_is_new_nobody_is_subscribed"
_REMAPPED = f"{_TESTS}::test_a_changed_mapping_subscribes_nobody_who_is_known"
_PAST = f"{_TESTS}::test_without_a_time_that_is_past_nobody_is_subscribed"
_LATER = f"{_TESTS}::test_a_consent_after_the_first_run_subscribes_who_never_was"
_IMPORTED = f"{_TESTS}::test_only_who_was_imported_is_subscribed"
_BACK = f"{_TESTS}::test_who_leaves_the_segment_and_returns_is_not_new_to_the_consents"
_SCOPE = f"{_TESTS}::test_a_key_without_the_right_to_subscribe_fails_the_run"
_CANCELED = f"{_TESTS}::test_a_consent_that_may_be_used_is_not_used_by_another_run"
_OFF = f"{_TESTS}::test_who_left_the_list_by_themselves_is_not_put_on_it_by_a_consent"
_KILLED = f"{_TESTS}::test_killed_before_and_after_every_post"
_ERASE = "shared/runs/steps/erase.py"
_ERASED = f"{_TESTS}::test_who_was_erased_meanwhile_is_not_subscribed"
_ERASED_AGAIN = f"{_TESTS}::test_who_is_erased_once_they_are_subscribed_is_erased_again"
_HALVED = f"{_TESTS}::test_a_job_that_klaviyo_refuses_is_halved"

SUBSCRIBING = [
    Mutant(_CONSENT, "row.consented_at > known", "row.consented_at >= known", _MOVED),
    Mutant(_CONSENT, "row.consented_at > known", "row.consented_at != known", _MOVED),
    Mutant(_CONSENT, "number < 0 or people.is_waiting(number)", "number < 0", _IMPORTED),
    Mutant(_CONSENT, " and not self._only_new", "", _REMAPPED),
    Mutant(_CONSENT, "is_certain = any(people.content(number)) and", "is_certain =", _IMPORTED),
    Mutant(_CONSENT, " or people.is_off(number)", "", _OFF),
    Mutant(_CONSENT, "self._former, self._former.find(row.person)", "self._former, -1", _BACK),
    Mutant(_CONSENT, "self._since if moment == NEVER", "0 if moment == NEVER", _LATER),
    Mutant(_CONSENT, " and row.consented_at < self._began", "", _PAST),
    Mutant(_SUBSCRIBE, " and self._imported.content(number) == row.content", "", _IMPORTED),
    Mutant(_SUBSCRIBE, "if not was_begun and self._is_untaken(problem)", "if False", _SCOPE),
    Mutant(_SUBSCRIBE, "                    self._met[number] = 1\n", "                    pass\n", _KILLED),
    Mutant(_SUBSCRIBE, "self._post(rows[:half]) + ", "", _HALVED),
    Mutant(_SUBSCRIBE, "any(map(self.do_not_send.has, self.people))", "False", _ERASED),
    Mutant(_ERASE, "posted.update(parts.subscribed(run.subscription.chunks))", "pass", _ERASED_AGAIN),
    Mutant(_SUBSCRIBE, "        self._parts.write_looked_at(number, moments)\n", "", _CANCELED),
    Mutant(_PIN, "        pinned.is_whole = False\n", "", _LOST),
    Mutant(_COMPARE, 'warn("ledger_lost", 1)\n            return begun\n', 'warn("ledger_lost", 1)\n', _LOST),
]
