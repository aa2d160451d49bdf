"""What the storage account's lifecycle deletes by age: nothing that is configured, remembered or in use."""

import re
from datetime import timedelta
from typing import Any

import pytest

from sandbox.klaviyo import JobPlan
from sandbox.people import People
from shared import state
from shared.administration.audit import audited
from shared.administration.exports import remove
from shared.administration.rights import Action, Person, Role
from shared.runs.forget import forget
from shared.runs.work.tick import tick
from tests.support.azurite import Azurite, client
from tests.support.refreshes import another_export, refresh, rows
from tests.support.templates import PLAINEST, one_of
from tests.support.world import World, a_world

ADA = Person("ada@example.org", Role.ADMINISTRATOR)
POLICY = one_of(PLAINEST, "Microsoft.Storage/storageAccounts/managementPolicies")["properties"]["policy"]


@pytest.fixture(scope="module")
def blobs(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The blobs of a state in which everything has happened, with the type that each has in storage."""
    url = azurite.container()
    with a_world(tmp_path_factory.mktemp("world"), state_url=url) as world:
        everything(world)
    return {blob.name: blob.blob_type.value for blob in client(url).list_blobs()}


def everything(world: World) -> None:
    """Runs that refuse rows, an open one, a removed export, erased people, an audit, work for a worker."""
    another_export(world, "gone")
    tick(world.services, 240)
    for number in range(2):
        world.segment(People(100, dirt=True), world.clock.now() - timedelta(minutes=10 - number))
        world.run()
    world.run("gone")
    remove(world.services, ADA, "gone")
    forget(world.services, ["a@example.org"], world.deadline())
    with audited(world.services, ADA, Action.START_RUN, "exports/vip"):
        pass
    world.add_queue()
    world.stand_in.plans.append(JobPlan(seconds=3_600))
    refresh(world, rows(*range(200, 210)))
    world.clock.sleep(600)
    tick(world.services, 30)


def deleted(blobs: dict[str, str], what: str) -> set[str]:
    """Names of blobs whose current content (baseBlob) or old versions (version) a rule deletes by age."""
    return {
        name
        for name, kind in blobs.items()
        for rule in POLICY["rules"]
        if what in rule["definition"]["actions"] and _matches(rule["definition"]["filters"], name, kind)
    }


def _matches(filters: dict[str, Any], name: str, kind: str) -> bool:
    types = [each.casefold() for each in filters["blobTypes"]]
    return kind.casefold() in types and f"state/{name}".startswith(tuple(filters["prefixMatch"]))


def folders(names: set[str]) -> set[str]:
    return {name.partition("/")[0] for name in names}


def test_only_what_closed_runs_and_people_left_is_deleted_by_age(blobs: dict[str, str]) -> None:
    """Records, refused rows and the audit; no document, head, ledger, marker, lock or erased person."""
    gone = deleted(blobs, "baseBlob")
    assert folders(gone) == {"audit", "recent", "runs"}
    assert folders(set(blobs) - gone) == {
        "connections",
        "erased",
        "exports",
        "heads",
        "ledgers",
        "locks",
        "work",
    }


def test_the_audit_is_found_by_the_rule_for_its_type(blobs: dict[str, str]) -> None:
    """It is appended to, and a rule names the types of blobs that it is for."""
    audit = {name: kind for name, kind in blobs.items() if name.startswith(state.AUDIT)}
    assert set(audit.values()) == {"AppendBlob"}
    assert set(audit) <= deleted(blobs, "baseBlob") & deleted(blobs, "version")
    append_blobs = {"anything": "AppendBlob", "exports/vip.json": "AppendBlob"}
    assert not deleted(append_blobs, "baseBlob") | deleted(append_blobs, "version")


def test_the_app_removes_ledgers_itself(blobs: dict[str, str]) -> None:
    """Those of runs before, and of removed exports: so none need go by age, and one is in use for years."""
    left = {name for name in blobs if name.startswith(state.LEDGERS)} - {state.DIGEST_KEY}
    assert [state.export_of_ledger(name) for name in left] == ["vip"]


def test_only_versions_of_documents_and_of_the_erased_stay(blobs: dict[str, str]) -> None:
    """They are few, and somebody may need them back after years."""
    assert folders(set(blobs) - deleted(blobs, "version")) == {"connections", "erased", "exports"}


def test_every_folder_is_looked_at(blobs: dict[str, str]) -> None:
    """Each that the state's picture has is in the tests above, but for a mark that lives for seconds."""
    drawn = set(re.findall(r"^([a-z]+)(?:/\S+)?  +\w", str(state.__doc__), re.MULTILINE))
    assert drawn == folders(set(blobs)) | {state.REFRESHED}
