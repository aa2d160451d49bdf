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
_PAUSES = "shared/klaviyo/pauses.py"
_PAUSED = "tests/klaviyo/test_pauses.py"
_PAGES = "shared/klaviyo/pages.py"
_PAGED = "tests/klaviyo/test_pages.py"
_FORMAT = "shared/klaviyo/format.py"
_FORMATTED = "tests/klaviyo/test_format.py"
_RESOURCES = "shared/klaviyo/resources.py"
_READ = "tests/klaviyo/test_resources.py"
_CLIENTS = "shared/klaviyo/client.py"
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
    Mutant(_LIMITS, "MARGIN = 1.04", "MARGIN = 1.02", _DOCUMENTED),
    Mutant(_LIMITS, '    "accounts": XS,', '    "accounts": M,', _DOCUMENTED),
    Mutant(_LIMITS, '    "list": L,', '    "list": XL,', _DOCUMENTED),
    Mutant(_LIMITS, '    "import": M,', '    "import": L,', _DOCUMENTED),
    Mutant(_LIMITS, '    "jobs": M,', '    "jobs": L,', _DOCUMENTED),
    Mutant(_LIMITS, '    "job": M,', '    "job": L,', _DOCUMENTED),
    Mutant(_LIMITS, '    "import-errors": M,', '    "import-errors": L,', _DOCUMENTED),
    Mutant(
        _LIMITS,
        "self._until = max(self._until, self._clock.monotonic() + seconds)",
        "self._until = self._clock.monotonic() + seconds",
        _LIMITED,
    ),
    Mutant(_LIMITS, "XS[seconds] <= most <= XL[seconds]", "0 <= most", _LIMITED),
    Mutant(
        _LIMITS,
        "if wait <= 0:\n                self._sent.append(now)",
        "if wait <= 0 and not self._sent:\n                self._sent.append(now)",
        _DOCUMENTED,
    ),
    Mutant(_RETRY, "PATIENCE = (4.0, 90.0)", "PATIENCE = (4.0, 900.0)", _RETRIED),
    Mutant(_RETRY, "PATIENCE = (4.0, 90.0)", "PATIENCE = (0.4, 90.0)", _RETRIED),
    Mutant(_RETRY, "SLOWEST_LINE = 20_000", "SLOWEST_LINE = 2_000_000", _RETRIED),
    Mutant(_RETRY, "LATE_POST = 30.0", "LATE_POST = 3.0", _RETRIED),
    Mutant(_RETRY, "LATE_POST = 30.0", "LATE_POST = 300.0", _RETRIED),
    Mutant(_RETRY, "if size and not left:", "if False:", _RETRIED),
    Mutant(_RETRY, "LONGEST_BACKOFF = 60.0", "LONGEST_BACKOFF = 120.0", _RETRIED),
    Mutant(_RETRY, "asked >= 1:", "asked >= 0:", _RETRIED),
    Mutant(
        _ANSWERS,
        "if status in (400, 413) and body is not None:",
        "if status == 400 and body is not None:",
        _ANSWERED,
    ),
    Mutant(
        _ANSWERS,
        "if status == 413 and body is not None and body.size > SMALLEST_TOO_LARGE:",
        "if False:",
        _ANSWERED,
    ),
    Mutant(_ANSWERS, "SMALLEST_TOO_LARGE = 128_000", "SMALLEST_TOO_LARGE = 4_000_000", _ANSWERED),
    Mutant(_ANSWERS, "SMALLEST_TOO_LARGE = 128_000", "SMALLEST_TOO_LARGE = 200_000", _ANSWERED),
    Mutant(_ANSWERS, "SMALLEST_TOO_LARGE = 128_000", "SMALLEST_TOO_LARGE = 90_000", _ANSWERED),
    Mutant(_ANSWERS, "or index >= count", "or index > count", _ANSWERED),
    Mutant(_ANSWERS, "MOST_REASONS = 20", "MOST_REASONS = 40", _ANSWERED),
    Mutant(_ANSWERS, "MOST_VALUES = 300_000", "MOST_VALUES = 600_000", _ANSWERED),
    Mutant(_CALLS, "MOST_PAGES = 1_000", "MOST_PAGES = 2_000", _CLIENT),
    Mutant(_CALLS, "or following in seen ", "", _CLIENT),
    Mutant(
        _CALLS,
        'if problem.retry_after is not None or problem.code == "throttled":',
        'if problem.code == "throttled":',
        _CLIENT,
    ),
    Mutant(_CALLS, "if limiter.is_paused():", "if False:", _CLIENT),
    Mutant(_CALLS, "MOST_PAGES = 1_000", "MOST_PAGES = 900", _CLIENT),
    Mutant(
        _CALLS,
        "headers, size = self._headers, 0\n        if body is not None:\n            size = body.size\n",
        "headers, size = self._headers, 0\n        if body is not None:\n",
        _CLIENT,
    ),
    Mutant(_WIRE, "MOST_BYTES = 8_000_000", "MOST_BYTES = 800_000_000", _HOSTILE),
    Mutant(_WIRE, "PIECE = 16_384", "PIECE = 16_384_000", _HOSTILE),
    Mutant(_PAUSES, "if until <= before <=", "if before < until <=", _PAUSED),
    Mutant(
        _PAUSES,
        "if until <= before <= self",
        "if False and until <= before <= self",
        _PAUSED,
    ),
    Mutant(_PAUSES, "_SKEW = 300.0", "_SKEW = 3000.0", _PAUSED),
    Mutant(_PAUSES, "_ATTEMPTS = 3", "_ATTEMPTS = 2", _PAUSED),
    Mutant(_PAUSES, "_ATTEMPTS = 3", "_ATTEMPTS = 9", _PAUSED),
    Mutant(_PAUSES, "if_match=etag)", "if_match=None)", _PAUSED),
    Mutant(_CLIENTS, "if not refusal.profiles:", "if False:", _CLIENT),
    Mutant(_CLIENTS, "JOBS_A_PAGE = 100", "JOBS_A_PAGE = 10", _CLIENT),
    Mutant(_CLIENTS, "limits.pause.extend(pauses.left(account_id))", "pass", _PAUSED),
    Mutant(_CLIENTS, "if job.id != job_id:", "if False:", _CLIENT),
    Mutant(_CLIENTS, '"page[size]": "100"', '"page[size]": "50"', _CLIENT),
    Mutant(_PAGES, "MOST_ITEMS = 1_000", "MOST_ITEMS = 2_000", _PAGED),
    Mutant(_PAGES, "LONGEST_LINK = 4_000", "LONGEST_LINK = 4_001", _PAGED),
    Mutant(_PAGES, "if is_same_origin else None", "if here.netloc == there.netloc else None", _PAGED),
    Mutant(_FORMAT, "MOST_PROFILES = 10_000", "MOST_PROFILES = 10_001", _FORMATTED),
    Mutant(_FORMAT, "MOST_PROFILES = 10_000", "MOST_PROFILES = 5_000", _FORMATTED),
    Mutant(_FORMAT, "MOST_BYTES = 4_600_000", "MOST_BYTES = 5_100_000", _FORMATTED),
    Mutant(_FORMAT, "most_bytes=100_000", "most_bytes=100_001", _FORMATTED),
    Mutant(_FORMAT, "longest_email=100", "longest_email=101", _FORMATTED),
    Mutant(_FORMAT, "longest_external_id=255", "longest_external_id=256", _FORMATTED),
    Mutant(_FORMAT, '{"type":"profile","attributes":', '{"type":"profiles","attributes":', _FORMATTED),
    Mutant(_RESOURCES, "in (JobStatus.COMPLETE, JobStatus.CANCELED)", "in (JobStatus.COMPLETE,)", _READ),
    Mutant(
        _RESOURCES,
        "if word in JobStatus else JobStatus.QUEUED",
        "if word in JobStatus else JobStatus.COMPLETE",
        _READ,
    ),
    Mutant(_RESOURCES, "MOST_PROFILES = 10**9", "MOST_PROFILES = 10**11", _READ),
]
