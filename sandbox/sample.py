"""Writes a synthetic segment as Customer Insights does, and the documents of a matching export."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sandbox.people import COLUMNS, People, Row
from shared.adapters.storage.store import Store
from shared.errors import NotFound

FOLDER = "CustomerInsights_5a3b1e00-0000-4000-8000-00005eed0001/BlobExport"
CONTAINER = "https://segmentsample.blob.core.windows.net/segments/"


def write_segment(
    store: Store,
    name: str,
    people: People | Sequence[Row],
    *,
    refreshed: datetime,
    partitions: int = 2,
    prefix: str = "",
) -> str:
    """Writes one refresh of a segment, makes it the newest in model.json, and returns its run folder.

    `refreshed` has a time zone; the folder's name has it in UTC, to the minute. `prefix` is put before every
    name ("exports/", or blank). Earlier run folders and other segments do not change. One partition is in
    memory at a time. Paths and model.json follow Microsoft's documentation of the export to Blob Storage and
    the CDM schema.
    """
    refreshed = refreshed.astimezone(UTC)
    folder = f"{prefix}{FOLDER}/{name}/{refreshed:%Y/%m/%d/%H%M}"
    blobs = []
    for number, rows in enumerate(_split(people, partitions), start=1):
        blobs.append(f"{folder}/{name}_{number}.csv")
        store.write(blobs[-1], _csv(rows))
    # Last, because model.json tells readers that the snapshot is complete.
    model = _model(store, f"{prefix}{FOLDER}/model.json")
    model["modifiedTime"] = _text(refreshed)
    model["entities"] = [entity for entity in model["entities"] if entity["name"] != name]
    model["entities"].append(_entity(name, blobs, refreshed))
    store.write(f"{prefix}{FOLDER}/model.json", json.dumps(model, indent=2).encode())
    return folder


def _split(people: People | Sequence[Row], parts: int) -> Iterator[Iterable[Row]]:
    """Splits the rows into parts whose lengths differ by at most one; read each part before the next."""
    rows, count = iter(people), len(people)
    for part in range(parts):
        yield islice(rows, count * (part + 1) // parts - count * part // parts)


def _csv(rows: Iterable[Row]) -> bytes:
    content = io.BytesIO()
    with io.TextIOWrapper(content, "utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
        text.flush()
        return content.getvalue()


def _model(store: Store, name: str) -> dict[str, Any]:
    try:
        model: dict[str, Any] = json.loads(store.read(name).content)
    except NotFound:
        return {
            "name": "BlobExport",
            "version": "1.0",
            "culture": "en-US",
            "modifiedTime": "",
            "entities": [],
        }
    return model


def _entity(name: str, blobs: Iterable[str], refreshed: datetime) -> dict[str, Any]:
    return {
        "$type": "LocalEntity",
        "name": name,
        "annotations": [{"name": "c360:PrimaryKey", "value": "CustomerId"}],
        "attributes": [{"name": column, "dataType": kind} for column, kind in COLUMNS.items()],
        "partitions": [
            {
                "name": blob.rpartition("/")[2].removesuffix(".csv"),
                "refreshTime": _text(refreshed),
                "location": CONTAINER + blob,
                "fileFormatSettings": {
                    "$type": "CsvFormatSettings",
                    "columnHeaders": True,
                    "delimiter": ",",
                    "quoteStyle": "QuoteStyle.Csv",
                    "csvStyle": "CsvStyle.QuoteAlways",
                },
            }
            for blob in blobs
        ],
    }


def _text(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")


def example_documents() -> dict[str, dict[str, Any]]:
    """A connection and an export of the segment HighValueSegment, by their names in the state."""
    connection = {
        "version": 1,
        "id": "sandbox",
        "display_name": "Klaviyo sandbox",
        "type": "klaviyo",
        "secret_name": "klaviyo-sandbox",
        "shared_with": "administrators",
        "export_user": "sandbox",
        "consent": {"accepted_by": "sandbox", "accepted_at": "2026-08-24T12:00:00Z"},
    }
    export = {
        "version": 1,
        "id": "vip",
        "display_name": "VIPs",
        "connection": "sandbox",
        "segments": ["HighValueSegment"],
        "list_id": "Y6nRLr",
        "match": {"email": "EMail"},
        "attributes": {
            "first_name": "FirstName",
            "last_name": "LastName",
            "phone_number": {"column": "Telephone", "region": "US"},
            "location.address1": "StreetAddress",
            "location.city": "City",
            "location.region": "State",
            "location.zip": "PostCode",
            "location.country": "Country",
            "properties": ["RewardPoints", {"column": "CreatedOn", "name": "Customer since"}],
        },
        "schedule": {"active": True, "when": "on_refresh"},
    }
    return {"connections/sandbox.json": connection, "exports/vip.json": export}
