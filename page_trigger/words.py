"""The words of the pages."""

import re
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from markupsafe import Markup

# The name and the kind of each status of a run, and of an export without runs.
_STATUSES = {
    "queued": ("Queued", "live"),
    "running": ("Running", "live"),
    "successful": ("Successful", "good"),
    "completed_with_warnings": ("Completed with warnings", "warning"),
    "failed": ("Failed", "bad"),
    "canceled": ("Canceled", "off"),
    "none": ("No runs", "off"),
    "not valid": ("Not valid", "bad"),
    "active": ("Active", "good"),
    "inactive": ("Inactive", "off"),
    "detached": ("Detached", "off"),
    "not_valid": ("Not valid", "bad"),
    "paused": ("Paused", "warning"),
    "revoked": ("Signed out", "bad"),
    "not_connected": ("Not connected", "warning"),
}
_TRIGGERS = {"schedule": "Scheduled", "on_demand": "On demand", "command": "By command"}
_COUNTS = {
    "rows": "Rows read",
    "rejected": "Refused",
    "filtered": "Filtered out by the condition",
    "duplicates": "Duplicates",
    "unchanged": "Unchanged",
    "sent": "Sent",
    "not_sent": "Not sent",
    "new": "New",
    "changed": "Changed",
    "imported": "Confirmed by Klaviyo",
    "failed": "Refused by Klaviyo",
    "unconfirmed": "Unconfirmed",
    "subscribed": "Subscribed",
    "removed": "Removed from the list",
    "would_send": "Would be sent",
    "would_remove": "Would be removed",
    "would_subscribe": "Would be subscribed",
}

# The form fields whose name is not the last part of their pointer into the document.
_FIELDS = {
    "/shared_with": "people",
    "/segments": "segment-1",
    "/only_if": "condition_column",
    "/attributes/properties": "more_properties",
    "/schedule/when": "cron",
    "/sync/strangers": "removes_strangers",
    "/sync/mode": "mode-add",
    "/sign_in": "sign_in-api_key",
}


def status(name: str) -> str:
    return _STATUSES.get(name, (name, "off"))[0]


def kind(name: str) -> str:
    """The kind of a status: good, warning, bad, live or off."""
    return _STATUSES.get(name, (name, "off"))[1]


def trigger(name: str) -> str:
    return _TRIGGERS.get(name, name)


def count_name(name: str) -> str:
    return _COUNTS.get(name, name)


def field_of(pointer: str) -> str:
    """The id of the field for a pointer into the document."""
    for beginning, field in _FIELDS.items():
        if pointer.startswith(beginning):
            return "timezone" if pointer.endswith("/timezone") else field
    last = pointer.rpartition("/")[2]
    if pointer.startswith("/attributes/"):
        name = pointer.removeprefix("/attributes/").partition("/")[0]
        return "region" if last == "region" else f"attribute.{name}"
    return last


def percent(share: float) -> str:
    """A share from 0 to 1 as a percentage, rounded to four digits."""
    return f"{share * 100:.4g} %"


def title_of(http_status: int) -> str:
    """The title of an error page."""
    titles = {
        401: "Sign in",
        403: "Not allowed",
        404: "Not found",
        500: "Unexpected error",
        503: "Not available",
    }
    return titles.get(http_status, HTTPStatus(http_status).phrase)


def lasting(duration: timedelta | None) -> str:
    """A duration in its two largest units."""
    if duration is None:
        return ""
    seconds = max(0, round(duration.total_seconds()))
    for size, large, small_size, small in (
        (86_400, "d", 3_600, "h"),
        (3_600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if seconds >= size:
            rest = seconds % size // small_size
            return f"{seconds // size} {large}" + (f" {rest} {small}" if rest else "")
    return f"{seconds} s"


def duration_of(started: datetime | None, finished: datetime | None) -> timedelta | None:
    return finished - started if started is not None and finished is not None else None


def list_page(list_id: str) -> str:
    """The list's page at Klaviyo, whose URL contains the id."""
    return f"https://www.klaviyo.com/list/{quote(list_id, safe='')}"


def as_html(text: str) -> "Markup":
    """A sentence of the documentation as HTML: backticks become code, links become their text."""
    from markupsafe import Markup, escape

    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    parts = re.split(r"`([^`]*)`", plain)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )
