"""Mutants of shared/klaviyo."""

from tests.mutants.mutant import Mutant

_LIMITS = "shared/klaviyo/limits.py"
_LIMITED = "tests/klaviyo/test_limits.py"
_DOCUMENTED = "tests/klaviyo/test_documented_limits.py"
_RETRY = "shared/klaviyo/retry.py"
_RETRIED = "tests/klaviyo/test_retry.py"
_ANSWERS = "shared/klaviyo/answers.py"
_ANSWERED = "tests/klaviyo/test_answers.py"
_CALLS = "shared/klaviyo/calls.py"
_WIRE = "shared/klaviyo/wire.py"
_CLIENT = "tests/klaviyo/test_client.py"
_HOSTILE = "tests/klaviyo/test_hostile.py"

KLAVIYO = [
    Mutant(_LIMITS, "M = {1: 10, 60: 150}", "M = {1: 10, 60: 160}", _DOCUMENTED),
    Mutant(_LIMITS, "XS = {1: 1, 60: 15}", "XS = {1: 2, 60: 15}", _DOCUMENTED),
    Mutant(_LIMITS, "L = {1: 75, 60: 700}", "L = {1: 75, 60: 800}", _DOCUMENTED),
    Mutant(_LIMITS, "XL = {1: 350, 60: 3500}", "XL = {1: 350, 60: 35000}", _LIMITED),
    Mutant(_LIMITS, '"import": M', '"import": L', _DOCUMENTED),
    Mutant(_LIMITS, "MARGIN = 1.04", "MARGIN = 1.0", _DOCUMENTED),
    Mutant(_LIMITS, "len(self._sent) >= most", "len(self._sent) > most", _LIMITED),
    Mutant(_LIMITS, "wait = self._pause.left()", "wait = 0.0", _LIMITED),
    Mutant(_LIMITS, "self._until = max(self._until, ", "self._until = max(0, ", _LIMITED),
    Mutant(_LIMITS, "XS[seconds] <= most <= XL[seconds]", "XS[seconds] <= most", _LIMITED),
    Mutant(_LIMITS, "max(0, requests - 1)", "requests", "tests/klaviyo/test_least_seconds.py"),
    Mutant(_RETRY, "MOST_BLOCKED = 5", "MOST_BLOCKED = 6", _RETRIED),
    Mutant(_RETRY, "asked >= 1", "asked >= 0", _RETRIED),
    Mutant(_RETRY, "LONGEST_BACKOFF = 60.0", "LONGEST_BACKOFF = 600.0", _RETRIED),
    Mutant(_RETRY, "jitter / 2", "jitter", _RETRIED),
    Mutant(_ANSWERS, "PASSING = frozenset({408, 425, 499})", "PASSING = frozenset({408, 425})", _ANSWERED),
    Mutant(_ANSWERS, "in (400, 413) and ", "in (400,) and ", _ANSWERED),
    Mutant(_ANSWERS, "len(reasons) >= MOST_REASONS", "False", _ANSWERED),
    Mutant(_ANSWERS, "SMALLEST_TOO_LARGE = 128_000", "SMALLEST_TOO_LARGE = 0", _ANSWERED),
    Mutant(_CALLS, "following in seen or ", "", _HOSTILE),
    Mutant(_CALLS, "            permit.check()\n", "", _CLIENT),
    Mutant(_CALLS, "self._pauses.keep(self._account_id, seconds)", "pass", "tests/klaviyo/test_pauses.py"),
    Mutant(_WIRE, "follow_redirects=False", "follow_redirects=True", _CLIENT),
    Mutant(
        "shared/klaviyo/body.py",
        " - len(_tail(list_id))",
        "",
        "tests/klaviyo/test_body.py",
    ),
]
