"""A client for the stand-in Klaviyo, and bodies to post to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from sandbox.klaviyo import StandIn, app
from sandbox.serving import serving

JOBS = "/api/profile-bulk-import-jobs"
LIST = "Y6nRLr"
HEADERS = {
    "Authorization": "Klaviyo-API-Key pk_sandbox",
    "revision": "2026-10-15",
    "Accept": "application/vnd.api+json",
    "Content-Type": "application/vnd.api+json",
}


class Clock:
    """Epoch seconds that stand still until they are moved; it begins at the start of a day."""

    def __init__(self) -> None:
        self.now = 20_000 * 86_400.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def klaviyo_client(stand_in: StandIn, **headers: str) -> Iterator[httpx.Client]:
    """Serves the stand-in and yields a client with its key and the headers that Klaviyo asks for."""
    with (
        serving(app(stand_in)) as url,
        httpx.Client(base_url=url, headers=HEADERS | headers, timeout=10) as client,
    ):
        yield client


def import_body(*profiles: dict[str, Any], list_id: str | None = LIST) -> dict[str, Any]:
    """A bulk import of profiles with these attributes."""
    data: dict[str, Any] = {
        "type": "profile-bulk-import-job",
        "attributes": {
            "profiles": {"data": [{"type": "profile", "attributes": profile} for profile in profiles]}
        },
    }
    if list_id is not None:
        data["relationships"] = {"lists": {"data": [{"type": "list", "id": list_id}]}}
    return {"data": data}


def all_pages(client: httpx.Client, url: str) -> list[Any]:
    """The resources of every page, following links.next as given."""
    found: list[Any] = []
    seen: list[str] = []
    while url not in seen:
        seen.append(url)
        page = client.get(url).json()
        found += page["data"]
        if page["links"]["next"] is None:
            return found
        url = page["links"]["next"]
    raise AssertionError("the pages go round in a circle")


def people(count: int) -> list[dict[str, Any]]:
    return [{"email": f"person{number}@example.org"} for number in range(count)]
