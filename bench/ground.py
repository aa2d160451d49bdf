"""Where exports are measured: made segments, documents and a key, in a folder or in blobs."""

import json
import os
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from sandbox.people import People
from sandbox.sample import example_documents, write_segment
from shared.adapters.storage import open_store
from shared.runs.heads.head import Head, create_head
from shared.services import Services

SEGMENT = "HighValueSegment"
REFRESHED = datetime(2026, 8, 24, 14, 33, tzinfo=UTC)
MILLION = 1_000_000
# More of a person than the example sends: profiles of 390 bytes.
PROPERTIES = ["RewardPoints", {"column": "CreatedOn", "name": "Customer since"}, "FullName", "Gender"]


class Ground:
    """A folder for segments, each made once, and for what exports of them leave behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count()

    def segment(self, people: int) -> str:
        """The URL of a folder with a segment of so many people in ten partitions."""
        folder = self.folder / f"segments-{people}"
        if not folder.exists():
            lay_out(f"file:{folder}", people)
        return f"file:{folder}"

    def environment(self, segments_url: str, klaviyo_url: str, state_url: str = "") -> dict[str, str]:
        """The environment of a process that exports the segment as vip, from a state of its own."""
        folder = self.folder / f"run-{next(self._numbers)}"
        folder.mkdir()
        secrets = folder / "secrets.json"
        write_secrets(secrets, {"klaviyo-sandbox": "pk_sandbox"})
        state_url = state_url or f"file:{folder}/state"
        write_documents(state_url, documents())
        return os.environ | {
            "SEGMENTS_URL": segments_url,
            "STATE_URL": state_url,
            "SECRETS_FILE": str(secrets),
            "KLAVIYO_URL": klaviyo_url,
        }


def lay_out(segments_url: str, people: int) -> None:
    """Writes a segment of so many people there, in ten partitions."""
    write_segment(open_store(segments_url), SEGMENT, People(people), refreshed=REFRESHED, partitions=10)


def documents() -> dict[str, dict[str, Any]]:
    """The documents of the example; its export sends more of each person."""
    found = example_documents()
    found["exports/vip.json"]["attributes"]["properties"] = PROPERTIES
    found["exports/vip.json"]["limits"] = {"max_profiles": 2_000_000}
    return found


def documents_of_accounts(accounts: int) -> dict[str, dict[str, Any]]:
    """A connection and an export for each of the stand-in's further accounts; the example's is not active."""
    example = documents()
    connection, export = example["connections/sandbox.json"], example["exports/vip.json"]
    made = {"exports/vip.json": export | {"schedule": {"active": False}}}
    for number in range(accounts):
        name = f"account-{number}"
        made[f"connections/{name}.json"] = connection | {"id": name, "secret_name": f"key-{number}"}
        made[f"exports/{name}.json"] = export | {"id": name, "connection": name, "list_id": f"L{number}"}
    return made


def keys_of_accounts(accounts: int) -> dict[str, str]:
    """Their secrets."""
    return {f"key-{number}": f"pk_{number}" for number in range(accounts)}


def let_all_be_due(services: Services) -> None:
    """Gives every export a head by which it has never exported anything."""
    for listed in services.catalog.exports():
        create_head(
            services.state,
            Head(export=listed.id, exported={SEGMENT: ""}, scheduled_at=services.clock.now()),
        )


def write_documents(state_url: str, written: dict[str, dict[str, Any]]) -> None:
    state = open_store(state_url)
    for name, document in written.items():
        state.write(name, json.dumps(document).encode())


def write_secrets(path: Path, secrets: dict[str, str]) -> None:
    path.touch(mode=0o600, exist_ok=True)
    path.write_text(json.dumps(secrets))
