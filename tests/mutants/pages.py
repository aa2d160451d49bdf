"""Pages that give away what they should keep, or act for somebody else."""

from tests.mutants.mutant import Mutant

_VISITS = "tests/page_trigger/test_visits.py"
_FORMS = "tests/page_trigger/test_forms.py"
_CHARTS = "tests/page_trigger/test_charts.py"
_PLACE = "page_trigger/visits.py"

PAGES = [
    Mutant(_PLACE, "    check_role(visit.by, page.action)\n", "", _VISITS),
    Mutant(_PLACE, "    check_origin(visit.http, auth)\n", "", _VISITS),
    Mutant(_PLACE, "if not token or not hmac", "if not hmac", _VISITS),
    Mutant(_PLACE, 'hmac.compare_digest(form.text("token").encode(), token.encode())', "True", _VISITS),
    Mutant(_PLACE, "if auth is Auth.KEY:\n            return", "if False:\n            return", _VISITS),
    Mutant(_PLACE, "HttpOnly; ", "", _VISITS),
    Mutant(_PLACE, 're.fullmatch(r"[\\w-]{1,64}", value, re.ASCII)', "True", _VISITS),
    Mutant("page_trigger/rendering.py", "autoescape=True", "autoescape=False", _VISITS),
    Mutant("page_trigger/rendering.py", "finalize=visible", "finalize=lambda value: value", _VISITS),
    Mutant(
        "page_trigger/rendering.py", '"cache-control": "no-store",\n        "content', '"content', _VISITS
    ),
    Mutant("page_trigger/rendering.py", """"frame-ancestors": "'none'",""", "", _VISITS),
    Mutant("page_trigger/forms.py", "max_num_fields=MOST_FIELDS", "max_num_fields=None", _FORMS),
    Mutant("page_trigger/forms.py", "if len(content) > LONGEST_FORM:", "if False:", _FORMS),
    Mutant(
        "page_trigger/export_members.py",
        'test, value = "is_blank", False',
        'test, value = "is_blank", True',
        _FORMS,
    ),
    Mutant("page_trigger/export_members.py", "return round(float", "return 100 * round(float", _FORMS),
    Mutant("page_trigger/export_members.py", "if name not in touched}", "}", _FORMS),
    Mutant("page_trigger/runs.py", '("Not sent", not_sent(counts), "warning"),\n', "", _CHARTS),
    Mutant("page_trigger/runs.py", '("Unchanged", counts.unchanged, "off"),\n', "", _CHARTS),
]
