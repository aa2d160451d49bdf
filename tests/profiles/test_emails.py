"""Which addresses may leave, and which of them nobody doubts."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.klaviyo.imports import is_valid_email
from shared.profiles.emails import is_plain_email, is_possible_email


@pytest.mark.parametrize(
    "email",
    [
        "abbie.moss@example.org",
        "a@example.org",
        "abbie+news@mail.example.org",
        "ABBIE_MOSS@EXAMPLE.ORG",
        "a-b@x-y.example.museum",
    ],
)
def test_an_ordinary_address_is_plain(email: str) -> None:
    """What nearly everybody has takes the fast way."""
    assert is_plain_email(email)
    assert is_possible_email(email)


@pytest.mark.parametrize(
    "email",
    [
        "o'hara@example.org",
        "-abbie@example.org",
        "a{b}@example.org",
        "abbié@example.org",
        "abbie@exämple.org",
        "अब्बी@उदाहरण.भारत",
        "abbie@example.xn--node",
        "abbie@example.XN--vermgensberater-ctb",
        "STRAẞE@example.org",
        "straße@example.org",
        "\u0131ris@example.org",
        "ΟΔΟΣ@example.org",
        "ÅSA@example.org",
        f"{'a' * 64}@example.org",
        f"abbie@{'a' * 63}.example.org",
        f"{'a' * 60}@{'b' * 35}.org",
    ],
)
def test_an_unusual_address_is_possible_and_not_plain(email: str) -> None:
    """What Klaviyo may or may not take goes to it, but apart from the others."""
    assert not is_plain_email(email)
    assert is_possible_email(email)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "abbie",
        "abbie@",
        "@example.org",
        "abbie@example",
        "abbie@@example.org",
        "ab bie@example.org",
        "a@b@example.org",
        "mailto:abbie@example.org",
        "abbie!@example.org",
        "abbie@example.c0m",
        "abbie@example.xn--p1ai",
        "abbie@example.xn--",
        "abbie@example.xn--node-",
        f"abbie@example.xn--{'a' * 60}",
        "abbie@example.no-de",
        "\u212aate@example.org",
        "abbie@boo\u212a.example.org",
        "\u0130ris@example.org",
        "\u212bsa@example.org",
        "\u2126@example.org",
        ".abbie@example.org",
        "abbie.@example.org",
        "ab..bie@example.org",
        "abbie@.example.org",
        "abbie@example..org",
        "abbie@-example.org",
        "abbie@example-.org",
        "abbie@exa_mple.org",
        "abbie@example.o",
        "abbie@192.0.2.1",
        '"abbie"@example.org',
        "Abbie <abbie@example.org>",
        "abbie@example.org,grace@example.org",
        "abbie@example.org\n",
        "abbie\x00@example.org",
        "abbie\x7f@example.org",
        "abbie\u200b@example.org",
        "abbie@exa\u00admple.org",
        "abbie\u200d@example.org",
        "abbie\u034f@example.org",
        "abbie\u3164@example.org",
        "abbie\ufe0f@example.org",
        "abbie\u202e@example.org",
        "abbie\ud800@example.org",
        f"{'a' * 65}@example.org",
        f"abbie@{'a' * 64}.example.org",
    ],
)
def test_what_is_no_address_is_refused(email: str) -> None:
    """Neither circle lets in what Klaviyo refuses or what can't be delivered to."""
    assert not is_plain_email(email)
    assert not is_possible_email(email)


@given(st.text("ab1.-_+@!é ", max_size=40) | st.emails())
def test_the_circles_lie_inside_each_other(email: str) -> None:
    """A plain address is one that Klaviyo takes, and possible too."""
    if is_plain_email(email):
        assert is_possible_email(email)
        assert is_valid_email(email)


def test_no_address_takes_long_to_refuse() -> None:
    """The patterns never go back over what they read, however long it is."""
    assert not is_possible_email("a." * 50_000 + "@")
    assert not is_possible_email("a-" * 48 + "@b")
    assert not is_plain_email("a@" + "b-" * 30 + "!")


def test_addresses_that_are_alike_in_lower_case_differ_in_case_alone() -> None:
    """No capital that may leave shares its small letter with another one, so two addresses are never one."""
    capitals: dict[str, str] = {}
    for character in map(chr, range(sys.maxunicode + 1)):
        lower = character.lower()
        if lower != character and (character.isascii() or is_possible_email(f"{character}@example.org")):
            assert capitals.setdefault(lower, character) == character
            assert lower.isascii() == character.isascii()
