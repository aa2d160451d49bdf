"""What `doctor` finds where clock, store, vault or Klaviyo is not as it should be, and what it advises."""

import base64
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cli.doctor import fixes
from cli.doctor.checkup import examine
from cli.doctor.finding import Finding
from cli.doctor.sign_in import check_sign_in
from sandbox.klaviyo import Fault
from sandbox.people import People
from sandbox.serving import serving
from shared.adapters.storage.store import Store
from shared.errors import Denied
from shared.runs.forget import forget
from tests.docs.codes import error_codes
from tests.docs.pages import page, rows, section
from tests.support.stores import WatchedStore
from tests.support.vault import KeyVaultServer
from tests.support.world import World, a_world


def found(world: World) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(world.services) if finding.fix}


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


def test_advice_is_for_errors_that_there_are() -> None:
    """A code that nothing raises any more takes its advice along."""
    places = (fixes.BY_CODE, fixes.SEGMENTS, fixes.HEAD, fixes.KEY_VAULT, fixes.secrets_file(Path("file")))
    assert set().union(*places) <= error_codes()


def test_the_roles_are_those_that_the_templates_grant() -> None:
    """The advice names exactly the roles that the app has."""
    places = (fixes.SEGMENTS, fixes.STATE, fixes.QUEUE, fixes.KEY_VAULT)
    advice = " ".join(fix for place in places for fix in place.values())
    granted = {row[1] for row in rows(section(page("docs/security.md"), "## Rights"))}
    named = set(re.findall(r"(?:Storage (?:Blob|Queue) Data|Key Vault Secrets) \w+", advice))
    assert named == granted - {"Monitoring Metrics Publisher", "Key Vault Secrets Officer"}


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
        assert "AUTH is misspelt" in found(world)["settings"].message


@pytest.mark.parametrize(
    ("status", "message", "fix"),
    [
        (401, "is refused", ""),
        (302, "is refused", ""),
        (503, "the sign-in is off", fixes.SIGN_IN_OFF),
        (200, "is believed", fixes.FORGED),
        (404, "answers 404", fixes.NOT_REACHED),
    ],
)
def test_an_app_that_believes_a_forged_sign_in(status: int, message: str, fix: str) -> None:
    """After each deployment: the header says administrator, and there is no token."""
    seen: list[str] = []

    def me(request: Request) -> Response:
        seen.append(json.loads(base64.b64decode(request.headers["x-ms-client-principal"]))["auth_typ"])
        return Response(status_code=status, headers={"location": "https://login.example.org"})

    with serving(Starlette(routes=[Route("/api/me", me)])) as url:
        finding = check_sign_in(url)

    assert seen == ["aad"]
    assert (message in finding.message, finding.fix) == (True, fix)


def test_an_app_that_is_not_there() -> None:
    assert check_sign_in("http://127.0.0.1:1").fix == fixes.NOT_REACHED
