"""What leaves for logs: our own lines; of libraries and of bugs only what can hold nobody's data."""

import logging
import traceback
from collections.abc import Mapping

# Some of them write whole URLs, and a URL can hold an email.
QUIET = ("httpx", "httpcore", "azure")


def quiet_libraries() -> None:
    """Lets warnings and errors of the libraries through, and nothing below."""
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def log_bug(logger: logging.Logger, error: Exception, extra: Mapping[str, object] | None = None) -> None:
    """Logs an error that nobody foresaw: its type and its place, not its message, which may hold anything."""
    places = " < ".join(
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
        for frame in reversed(traceback.extract_tb(error.__traceback__))
    )
    logger.error("unexpected %s at %s", type(error).__name__, places, extra=dict(extra or {}))
