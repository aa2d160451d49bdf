"""Sends synthetic files as a run does: found, pinned, checked, read and mapped."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.adapters.storage.folder import FolderStore
from shared.catalog import Export
from shared.errors import InvalidSegment
from shared.profiles import Selection
from shared.runs.plan import PinnedSegment, Plan
from shared.runs.steps.rows import check, profiles_of
from shared.services import Services
from tests.segments.building import ACCOUNT, lay
from tests.segments.made_files import Maker
from tests.support.stores import with_segments

SEGMENT = "Gold"
RUN = f"{SEGMENT}/2026/08/24/1433"


@dataclass
class Result:
    """What left, in order, and the counts; `error` is the code of a file that is wrong."""

    sent: list[dict[str, str]]
    counts: Selection
    error: str = ""


def export_of(made: Maker) -> Export:
    members: dict[str, Any] = {
        "id": "oracle",
        "connection": "none",
        "segments": [SEGMENT],
        "list_id": "Y6nRLr",
        "match": {"email": "EMail"},
        "attributes": {},
    }
    if "FirstName" in made.columns:
        members["attributes"]["first_name"] = "FirstName"
    if "Note" in made.columns:
        members["attributes"]["properties"] = ["Note"]
    if made.consent:
        members["only_if"] = {"column": made.consent, "equals": "True"}
    return Export.parse("The export", json.dumps(members).encode())


def lay_down(made: Maker, folder: Path) -> None:
    """Writes the files where Customer Insights does."""
    names = []
    for number, file in enumerate(made.files):
        is_packed = made.chance(0.15)
        name = f"{RUN}/{SEGMENT}_{number}.csv" + (".gz" if is_packed and made.kind != "bare" else "")
        lay(folder, name, made.packed(file.content) if is_packed else file.content)
        names.append(name)
    if made.kind == "bare":
        return
    told = {"columnHeaders": made.has_header, "delimiter": made.delimiter} if made.kind == "told" else {}
    entity = {
        "name": SEGMENT,
        "attributes": [{"name": name, "dataType": "string"} for name in made.columns],
        "partitions": [{"location": f"{ACCOUNT}/{name}", "fileFormatSettings": told} for name in names],
    }
    lay(folder, "model.json", json.dumps({"entities": [entity]}).encode())


def send(services: Services, made: Maker, folder: Path) -> Result:
    """What a run would send."""
    lay_down(made, folder)
    store = FolderStore(folder)
    services = with_segments(services, store)
    selection = Selection(lambda _: None)
    try:
        segment = PinnedSegment.of(SEGMENT, services.segments.newest(SEGMENT))
        plan = Plan(export=export_of(made), account_id="", segments=[segment])
        check(services, plan)
        profiles = list(profiles_of(services, plan, selection))
    except InvalidSegment as error:
        return Result([], selection, error.code)
    return Result([flat(json.loads(profile.payload)) for profile in profiles], selection)


def flat(profile: dict[str, Any]) -> dict[str, str]:
    """A profile's values, by the columns they come from."""
    attributes = profile["attributes"]
    names = {"email": "EMail", "first_name": "FirstName"}
    values: dict[str, str] = {
        names[name]: value for name, value in attributes.items() if name != "properties"
    }
    values.update(attributes.get("properties", {}))
    return values
