"""The pages' texts about codes are those of docs/codes.md."""

import json

import pytest

from page_trigger.codes import FILE, meaning_of, read_codes, remedy_of
from page_trigger.words import as_html
from tests.docs.pages import page


def test_the_file_is_made_from_the_documentation() -> None:
    """python -m page_trigger.codes docs/codes.md makes it again."""
    made = {code: list(texts) for code, texts in read_codes(page("docs/codes.md")).items()}
    assert json.loads(FILE.read_bytes()) == made


@pytest.mark.parametrize(
    ("code", "begins"),
    [
        ("unknown_export", "Check the id"),
        ("invalid_utf8", "Look at the row"),  # "As above"
        ("batch_refused", "Look at the row"),
        ("full_resend", ""),  # "Nothing."
        ("never_heard_of", ""),
    ],
)
def test_a_code_has_its_remedy(code: str, begins: str) -> None:
    """It is the text in the table's last column; blank if nothing needs to be done."""
    assert remedy_of(code).startswith(begins)
    assert bool(remedy_of(code)) == bool(begins)


def test_a_code_that_nobody_knows_is_klaviyo_s() -> None:
    """It has reasons of its own."""
    assert meaning_of("duplicate_profile") == "Klaviyo's own reason."
    assert meaning_of("missing_email") == "The email column is blank."


def test_markdown_becomes_text() -> None:
    """Code is marked, links are their texts, and nothing else gets through."""
    assert as_html("a `b<c>` and [d](e.md) <f>") == "a <code>b&lt;c&gt;</code> and d &lt;f&gt;"
