"""Keeps other libraries' logs quiet: some of them write whole URLs, and a URL can hold an email."""

import logging

QUIET = ("httpx", "httpcore", "azure")


def quiet_libraries() -> None:
    """Lets warnings and errors of the libraries through, and nothing below."""
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
