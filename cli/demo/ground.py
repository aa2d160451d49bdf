"""What the demo needs: a synthetic segment, its documents, and a stand-in Klaviyo with faults."""

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cli.options import operator
from sandbox.people import COLUMNS, People, Row, email
from sandbox.sample import example_documents, write_segment
from shared.administration.applying import apply
from shared.catalog import Connection, Export
from shared.services import Services
from shared.settings import Settings
from shared.state import CONNECTIONS

if TYPE_CHECKING:
    from sandbox.klaviyo import StandIn

FOLDER = Path("data/demo")
SEGMENT = "HighValueSegment"
PEOPLE = 25_000
# Numbers of people in the two refreshes.
LEFT, NEW, MOVED, REST = 250, 150, 100, 5_000
LIST = "Y6nRLr"


def settings_of(klaviyo_url: str) -> Settings:
    return Settings(
        segments_url=f"file:{FOLDER}/segments",
        state_url=f"file:{FOLDER}/state",
        secrets_file=FOLDER / "secrets.json",
        klaviyo_url=klaviyo_url,
    )


def troubled_klaviyo(clock: Callable[[], float] = time.time) -> "StandIn":
    """A stand-in with Klaviyo's rate limits and some of its failures; `clock` gives epoch seconds."""
    from sandbox.klaviyo import Fault, ImportFailure, StandIn

    stand_in = StandIn(clock=clock, job_seconds=2)
    stand_in.faults.add(
        [
            Fault("error", method="POST", nth=1, status=429, retry_after=2),
            Fault("error", method="POST", nth=2, status=503),
            Fault("cut_after", method="POST", nth=3),
        ]
    )
    stand_in.refused_emails = {email(1_000), email(2_000)}
    stand_in.failures = {email(index): ImportFailure() for index in (15_000, 16_000, 17_000)}
    return stand_in


def write_demo(services: Services, refreshed: datetime) -> None:
    """Writes the synthetic segment, a connection and an export for it, and the stand-in's secrets."""
    write_segment(services.segment_store, SEGMENT, People(PEOPLE, dirt=True), refreshed=refreshed)
    documents = example_documents()
    documents["exports/vip.json"] |= {"sync": {"mode": "mirror"}}
    write_documents(services, documents)
    descriptor = os.open(services.settings.secrets_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"klaviyo-sandbox": "pk_sandbox", "klaviyo-client-secret": "sandbox-app-secret"}, file)


def write_documents(services: Services, documents: Mapping[str, Mapping[str, object]]) -> None:
    """Writes documents as `segment-export apply` does, by their names under the state."""
    parsed = []
    for name, document in documents.items():
        kind: type[Connection | Export] = Connection if name.startswith(CONNECTIONS) else Export
        parsed.append(kind.parse(name, json.dumps(document).encode()))
    apply(services, parsed, operator())


def write_refresh(services: Services, first: int, end: int, refreshed: datetime) -> None:
    """A refresh of the segment: the people from index `first` up to `end`; some of them have moved."""
    people = _moved(People(end - first, dirt=True, start=first), MOVED)
    write_segment(services.segment_store, SEGMENT, people, refreshed=refreshed)


def _moved(people: Iterable[Row], count: int) -> list[Row]:
    """These people; the first `count` of them have moved."""
    city = list(COLUMNS).index("City")
    rows = list(people)
    return [(*row[:city], "Lisbon", *row[city + 1 :]) for row in rows[:count]] + rows[count:]
