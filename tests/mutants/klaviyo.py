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
_STREAMS = "shared/adapters/streams.py"
_PAUSES = "shared/klaviyo/pauses.py"
_PAUSED = "tests/klaviyo/test_pauses.py"
_PAGES = "shared/klaviyo/pages.py"
_PAGED = "tests/klaviyo/test_pages.py"
_FORMAT = "shared/klaviyo/format.py"
_FORMATTED = "tests/klaviyo/test_format.py"
_RESOURCES = "shared/klaviyo/resources.py"
_READ = "tests/klaviyo/test_resources.py"
_FIELDS = "shared/klaviyo/fields.py"
_CLIENTS = "shared/klaviyo/client.py"
_IMPORTS = "shared/klaviyo/imports.py"
_LISTS = "shared/klaviyo/lists.py"
_MEMBERS = "shared/klaviyo/members.py"
_LOOKUP = "shared/klaviyo/lookup.py"
_PEOPLE = "shared/klaviyo/people.py"
_CLIENT = "tests/klaviyo/test_client.py"
_HOSTILE = "tests/klaviyo/test_hostile.py"
_LISTED = "tests/klaviyo/test_lists.py"
_MEMBERS_READ = "tests/klaviyo/test_members.py"
_LOOKED_UP = "tests/klaviyo/test_lookup.py"
_SUBSCRIBED = "tests/klaviyo/test_people.py"
_PRIVATE = "tests/klaviyo/test_privacy.py"

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
    Mutant(_CALLS, "hash(following) in seen or ", "", _HOSTILE),
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
        "if status in (400, 413) and body is not None and body.count:",
        "if status == 400 and body is not None and body.count:",
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
    Mutant(_CALLS, "MOST_PAGES = 1_000", "MOST_PAGES = 2_000", _HOSTILE),
    Mutant(
        _CALLS,
        'if problem.retry_after is not None or problem.code == "throttled":',
        'if problem.code == "throttled":',
        _CLIENT,
    ),
    Mutant(_CALLS, "if limiter.is_paused():", "if False:", _CLIENT),
    Mutant(_CALLS, "MOST_PAGES = 1_000", "MOST_PAGES = 900", _HOSTILE),
    Mutant(
        _CALLS,
        "authorization}, 0\n        if body is not None:\n            size = body.size\n",
        "authorization}, 0\n        if body is not None:\n",
        _CLIENT,
    ),
    Mutant(_WIRE, "MOST_BYTES = 8_000_000", "MOST_BYTES = 800_000_000", _HOSTILE),
    Mutant(_STREAMS, "PIECE = 16_384", "PIECE = 16_384_000", _HOSTILE),
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
    Mutant(_LISTS, "if not refusal.profiles:", "if False:", _CLIENT),
    Mutant(_IMPORTS, "JOBS_A_PAGE = 100", "JOBS_A_PAGE = 10", _CLIENT),
    Mutant(_CLIENTS, "limits.pause.extend(pauses.left(name))", "pass", _PAUSED),
    Mutant(_IMPORTS, "if job.id != job_id:", "if False:", _HOSTILE),
    Mutant(_IMPORTS, '"page[size]": "100", "fields', '"page[size]": "50", "fields', _CLIENT),
    Mutant(_PAGES, "MOST_ITEMS = 1_000", "MOST_ITEMS = 2_000", _HOSTILE),
    Mutant(_PAGES, "LONGEST_LINK = 8_000", "LONGEST_LINK = 8_001", _PAGED),
    Mutant(_PAGES, "return url.scheme, url.netloc, ", 'return "", url.netloc, ', _PAGED),
    Mutant(_PAGES, 'unquote(url.path).rstrip("/")', '""', _PAGED),
    Mutant(_PAGES, 'unquote(url.path).rstrip("/")', "url.path", _PAGED),
    Mutant(_PAGES, " and is_query(there.query) else None", " else None", _PAGED),
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
    Mutant(_FIELDS, "LARGEST_COUNT = 10**9", "LARGEST_COUNT = 10**11", _READ),
    Mutant(_LIMITS, '    "list-count": XS,', '    "list-count": L,', _DOCUMENTED),
    Mutant(_LIMITS, "S = {1: 3, 60: 60}", "S = {1: 3, 60: 70}", _DOCUMENTED),
    Mutant(_ANSWERS, "if asked_for > 1 and status in TOO_LONG:", "if status in TOO_LONG:", _LOOKED_UP),
    Mutant(_ANSWERS, "TOO_LONG = frozenset({400, 413, 414})", "TOO_LONG = frozenset({400, 413})", _LOOKED_UP),
    Mutant(_ANSWERS, "TOO_LONG = frozenset({400, 413, 414})", "TOO_LONG = frozenset({413, 414})", _LOOKED_UP),
    Mutant(_ANSWERS, "if answer.status not in DONE:", "if False:", _SUBSCRIBED),
    Mutant(
        _ANSWERS, "(?:accounts|data-privacy|flows|lists|profiles|subscriptions|usage)", "[a-z-]+", _PRIVATE
    ),
    Mutant(_ANSWERS, "body is not None and body.count:", "body is not None:", _SUBSCRIBED),
    Mutant(_WIRE, "extensions={QUERY: query.encode()},", "params=query, extensions={QUERY: b''},", _PRIVATE),
    Mutant(_STREAMS, '"connection", "http11", "proxy"', '"connection", "proxy"', _PRIVATE),
    Mutant(_LOOKUP, "MOST_ADDRESSES = 100", "MOST_ADDRESSES = 101", _LOOKED_UP),
    Mutant(_LOOKUP, "MOST_ADDRESSES = 100", "MOST_ADDRESSES = 50", _LOOKED_UP),
    Mutant(_LOOKUP, "LONGEST_QUERY = 5_800", "LONGEST_QUERY = 5_990", _LOOKED_UP),
    Mutant(_LOOKUP, "LONGEST_QUERY = 5_800", "LONGEST_QUERY = 2_000", _LOOKED_UP),
    Mutant(_LOOKUP, 'quote(orjson.dumps(email), safe="")', 'quote(f\'"{email}"\', safe="")', _LOOKED_UP),
    Mutant(_LOOKUP, "dict.fromkeys(emails)", "list(emails)", _MEMBERS_READ),
    Mutant(_LOOKUP, "literals[half:]", "literals[half + 1 :]", _LOOKED_UP),
    Mutant(_MEMBERS, "LONGEST_CURSOR = 1_000", "LONGEST_CURSOR = 1_001", _MEMBERS_READ),
    Mutant(
        _MEMBERS,
        "if cursor is not None and not _is_cursor(cursor):\n            raise",
        "if False:\n            raise",
        _MEMBERS_READ,
    ),
    Mutant(_MEMBERS, "if cursor is None or refusal.code", "if refusal.code", _MEMBERS_READ),
    Mutant(_MEMBERS, 'or refusal.code != "request_refused":', "or False:", _MEMBERS_READ),
    Mutant(_MEMBERS, "MOST_MEMBER_PAGES = 100_000", "MOST_MEMBER_PAGES = 1_000", _HOSTILE),
    Mutant(_MEMBERS, "except (BatchRefused, NotFound):", "except NotFound:", _MEMBERS_READ),
    Mutant(_MEMBERS, "except (BatchRefused, NotFound):", "except BatchRefused:", _MEMBERS_READ),
    Mutant(_MEMBERS, "            self.read_list(list_id, deadline)", "            pass", _MEMBERS_READ),
    Mutant(_MEMBERS, "    cursor: str | None = field(repr=False)", "    cursor: str | None", _MEMBERS_READ),
    Mutant(_RESOURCES, "    id: str = field(repr=False)", "    id: str", _MEMBERS_READ),
    Mutant(_RESOURCES, "    email: str | None = field(repr=False)", "    email: str | None", _MEMBERS_READ),
    Mutant(_RESOURCES, "    email: str = field(repr=False)", "    email: str", _SUBSCRIBED),
    Mutant(_RESOURCES, "_LONGEST_EMAIL = 320", "_LONGEST_EMAIL = 321", _LOOKED_UP),
    Mutant(_RESOURCES, "    if count is None:\n", "    if False:\n", _LISTED),
    Mutant(_PEOPLE, '"historical_import": True,', '"historical_import": False,', _SUBSCRIBED),
    Mutant(_PEOPLE, ".astimezone(UTC)", "", _SUBSCRIBED),
    Mutant(_FORMAT, "MOST_REMOVED = 1_000", "MOST_REMOVED = 1_001", _MEMBERS_READ),
    Mutant(_FORMAT, "MOST_SUBSCRIBED = 1_000", "MOST_SUBSCRIBED = 1_001", _SUBSCRIBED),
    Mutant(_FORMAT, '"patch_properties":{"unset":', '"patch_properties":{"append":', _FORMATTED),
]
