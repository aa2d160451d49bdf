"""Mutants of what answers over HTTP."""

from tests.mutants.mutant import Mutant

_ROUTES = "shared/api/routes.py"
_PROBLEMS = "tests/http/test_problems.py"
_PREFERENCES = "shared/api/preferences.py"
_PREFERRED = "tests/http/test_preferences.py"
_BODIES = "shared/api/bodies.py"
_REPLIES = "shared/api/replies.py"
_LOOKED = "tests/http/test_looking.py"

HTTP = [
    Mutant(_ROUTES, '"GET" if http.method == "HEAD" else http.method', "http.method", _LOOKED),
    Mutant(_ROUTES, '{"allow": methods}', "{}", _PROBLEMS),
    Mutant(_PREFERENCES, 'min(int(given["wait"]), LONGEST_WAIT)', 'int(given["wait"])', _PREFERRED),
    Mutant(_PREFERENCES, 'partition(";")[0]', 'partition("\\0")[0]', _PREFERRED),
    Mutant(_PREFERENCES, 'if waits and "respond-async"', 'if "respond-async"', _PREFERRED),
    Mutant(_BODIES, "LONGEST_BODY = 65_536", "LONGEST_BODY = 655_360", _PROBLEMS),
    Mutant(
        _BODIES, "len(text) <= LONGEST_NAME and text.isprintable()", "len(text) <= LONGEST_NAME", _PROBLEMS
    ),
    Mutant(_BODIES, "1 <= len(text)", "0 <= len(text)", _PROBLEMS),
    Mutant(
        _REPLIES,
        '"cache-control": "no-store", **(headers or {})})\n\n\ndef csv',
        "**(headers or {})})\n\n\ndef csv",
        _LOOKED,
    ),
    Mutant("shared/api/pages.py", "MOST_A_PAGE = 100", "MOST_A_PAGE = 1000", _LOOKED),
    Mutant(_ROUTES, 'self.http.url.partition("?")[0]', "self.http.url", _LOOKED),
    Mutant(
        "shared/administration/running.py",
        "listed.document.is_active and may(",
        "may(",
        "tests/http/test_starting_all.py",
    ),
    Mutant("export_trigger/acting.py", "read_body(EmptyBody, call.http.body)", "pass", _PROBLEMS),
]
