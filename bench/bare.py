"""The bare loop: csv.DictReader, orjson and httpx, without a check. What it leaves out is what safety costs.

python -m bench.bare KLAVIYO_URL FOLDER
"""

import csv
import sys
from collections.abc import Iterator, Sequence
from itertools import batched
from pathlib import Path
from typing import Any

import httpx
import orjson

HEADERS = {
    "authorization": "Klaviyo-API-Key pk_sandbox",
    "revision": "2026-10-15",
    "accept": "application/vnd.api+json",
    "content-type": "application/vnd.api+json",
}


def main() -> None:
    url, folder = sys.argv[1:]
    with httpx.Client(base_url=url, headers=HEADERS, timeout=60) as client:
        for profiles in batched(read(Path(folder)), 10_000, strict=False):
            content = orjson.dumps(body(profiles))
            client.post("/api/profile-bulk-import-jobs", content=content).raise_for_status()


def body(profiles: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "data": {
            "type": "profile-bulk-import-job",
            "attributes": {"profiles": {"data": profiles}},
            "relationships": {"lists": {"data": [{"type": "list", "id": "Y6nRLr"}]}},
        }
    }


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """The profiles of every partition below the folder, as the example's export sends them."""
    for path in sorted(folder.rglob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                yield {"type": "profile", "attributes": attributes(row)}


def attributes(row: dict[str, str]) -> dict[str, Any]:
    return {
        "email": row["EMail"],
        "first_name": row["FirstName"],
        "last_name": row["LastName"],
        "phone_number": row["Telephone"],
        "location": {
            "address1": row["StreetAddress"],
            "city": row["City"],
            "region": row["State"],
            "zip": row["PostCode"],
            "country": row["Country"],
        },
        "properties": {
            "RewardPoints": int(row["RewardPoints"]),
            "Customer since": row["CreatedOn"],
            "FullName": row["FullName"],
            "Gender": row["Gender"],
        },
    }


if __name__ == "__main__":
    main()
