"""What a check finds where clock, store, vault or Klaviyo is not as it should be, and what it advises."""

import re
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import NoReturn

import pytest

from sandbox.klaviyo import Fault
from sandbox.people import People
from shared.adapters.storage.store import Store
from shared.administration.checkup import Finding, examine, fixes
from shared.administration.checkup.installation import PROBE
from shared.errors import Denied
from shared.klaviyo.calls import USER_AGENT
from shared.runs.forget import forget
from tests.docs.codes import error_codes
from tests.docs.pages import page, rows, section
from tests.support.stores import WatchedStore
from tests.support.vault import KeyVaultServer
from tests.support.world import World, a_world


def found(world: World) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(world.services, world.deadline()) if finding.fix}


def test_a_clock_that_is_wrong(tmp_path: Path) -> None:
    """The machine's clock is held against the store's."""
    with a_world(tmp_path) as world:
        world.segment(People(10))
        skew = world.services.state
        skew.write("probe", b"")
        world.clock.sleep((skew.now() - world.clock.now()).total_seconds() + 30)
        assert "clock" not in found(world)
        world.clock.sleep(60)
        assert "time server" in found(world)["clock"].fix


def test_a_revision_that_klaviyo_deprecates(tmp_path: Path) -> None:
    """An app that is not updated is reported a year before Klaviyo stops supporting its revision."""
    with a_world(tmp_path) as world:
        assert "versions" not in found(world)
        world.clock.sleep(timedelta(days=500).total_seconds())
        assert "newer segment-export" in found(world)["versions"].fix


def test_a_deployed_app_knows_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There the files lie in a folder, and no package is installed."""

    def missing(name: str) -> NoReturn:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with a_world(tmp_path) as world:
        versions = next(examine(world.services, world.deadline()))
    assert f"{USER_AGENT.replace('/', ' ')}, Python" in versions.message


class LockedStore(WatchedStore):
    """A state whose documents or whose time somebody may not see."""

    def __init__(self, store: Store, denied: str) -> None:
        super().__init__(store)
        self._denied = denied

    def called(self, what: str, name: str) -> None:
        if f"{what} {name}".startswith(self._denied):
            raise Denied(f"{name or 'The store'}: access is denied.")


@pytest.mark.parametrize(
    ("denied", "name"), [("now", "clock"), ("list connections/", "documents"), ("read exports/", "documents")]
)
def test_a_state_that_can_not_be_seen_whole(tmp_path: Path, denied: str, name: str) -> None:
    """A denied access is reported like any other problem, with the role that the templates grant."""
    with a_world(tmp_path) as world:
        world.segment(People(10))
        world.services = replace(world.services, state=LockedStore(world.services.state, denied))
        assert "Storage Blob Data Owner" in found(world)[name].fix


def test_klaviyo_is_away(tmp_path: Path) -> None:
    """Nothing of ours is wrong: look again later."""
    with a_world(tmp_path) as world:
        world.segment(People(10))
        world.stand_in.faults.add([Fault("error", status=503, nth=None)])
        assert "Try again later" in found(world)["account of sandbox"].fix


@pytest.mark.parametrize(
    ("refused", "fix"),
    [
        ("ForbiddenByRbac", "Key Vault Secrets User"),
        ("SecretDisabled", "set a new version"),
        (None, "az keyvault secret set"),
    ],
)
def test_a_vault_that_gives_no_key(
    tmp_path: Path, key_vault: KeyVaultServer, refused: str | None, fix: str
) -> None:
    """With a vault, what to do is done there, and not to a file."""
    if refused:
        key_vault.secrets["klaviyo-sandbox"] = "pk_sandbox"
        key_vault.refused["klaviyo-sandbox"] = refused
    with a_world(tmp_path) as world:
        settings = replace(world.services.settings, key_vault_url="https://kv.vault.azure.net")
        world.services = replace(world.services, settings=settings, vault=key_vault.vault())
        advice = found(world)["secret klaviyo-sandbox"].fix
        assert fix in advice
        assert "chmod" not in advice


def test_a_vault_that_is_away(tmp_path: Path, key_vault: KeyVaultServer) -> None:
    """As with Klaviyo: no secret need be stored again."""
    key_vault.failing = 503
    with a_world(tmp_path) as world:
        world.services = replace(world.services, vault=key_vault.vault())
        assert "Try again later" in found(world)["secret klaviyo-sandbox"].fix


class SecondLook(WatchedStore):
    """A state whose probe another thread looks at too, as long as the first one holds it."""

    def __init__(self, world: World, pool: ThreadPoolExecutor) -> None:
        super().__init__(world.services.state)
        self.second: Future[dict[str, Finding]] | None = None
        self._world, self._pool = world, pool

    def called(self, what: str, name: str) -> None:
        if (what, name) == ("read", PROBE) and self.second is None:
            self.second = self._pool.submit(found, self._world)
            wait([self.second], timeout=0.5)


def test_threads_that_check_at_once(tmp_path: Path) -> None:
    """Neither takes the other's probe for a fault of the state."""
    with a_world(tmp_path) as world, ThreadPoolExecutor(1) as pool:
        store = SecondLook(world, pool)
        world.services = replace(world.services, state=store)
        first = found(world)
        assert store.second is not None
        assert "state" not in first | store.second.result()


def test_advice_is_for_errors_that_there_are() -> None:
    """A code that nothing raises any more takes its advice along."""
    places = (fixes.BY_CODE, fixes.SEGMENTS, fixes.HEAD, fixes.KEY_VAULT, fixes.secrets_file(Path("file")))
    assert set().union(*places) <= error_codes()


def test_the_roles_are_those_that_the_templates_grant() -> None:
    """The advice names exactly the roles that the app has."""
    places = (fixes.SEGMENTS, fixes.STATE, fixes.QUEUE, fixes.KEY_VAULT)
    advice = " ".join(fix for place in places for fix in place.values())
    table = rows(section(page("docs/security.md"), "## Rights"))
    granted = {role for who, role, *_ in table if who == "the app"}
    named = set(re.findall(r"(?:Storage (?:Blob|Queue) Data|Key Vault Secrets) \w+", advice))
    assert named == granted - {"Monitoring Metrics Publisher"}


def test_erased_people_who_cant_be_told(tmp_path: Path) -> None:
    """Without the digest key of their list nothing is sent."""
    with a_world(tmp_path) as world:
        world.segment(People(10))
        forget(world.services, ["a@example.org"], world.deadline())
        assert "erased people" not in found(world)
        world.secrets({"klaviyo-sandbox": "pk_sandbox"})
        assert "digest-key" in found(world)["erased people"].fix


def test_names_in_a_connections_sharing_match_nobody(tmp_path: Path) -> None:
    """An old document may have some."""
    with a_world(tmp_path) as world:
        world.document("connections/sandbox.json", shared_with=["00000000-0000-4000-8000-0000000000f0"])
        assert "sharing of sandbox" not in found(world)
        world.document("connections/sandbox.json", shared_with=["ada@example.org"])
        finding = found(world)["sharing of sandbox"]
    assert finding.warning
    assert "'ada@example.org'" in finding.message


def test_a_misspelt_sign_in_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_world(tmp_path) as world:
        monkeypatch.setenv("AUTH", "entar")
        assert "AUTH is misspelled" in found(world)["settings"].message
