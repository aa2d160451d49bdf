"""The script that makes the app registration, with a stand-in az in front of a small Microsoft Graph."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from infra.sign_in import main, unique_name
from shared.administration.rights import Role
from tests.support.directory import (
    ADA,
    EVE,
    FACTORY,
    HOST,
    IDENTITY,
    SUBSCRIPTION,
    TENANT,
    Directory,
    running_directory,
)
from tests.support.templates import ROOT

CALLBACK = ".auth/login/aad/callback"


class Ran(NamedTuple):
    """What a run of the script returned and printed, and how long it waited."""

    code: int
    out: str
    lines: list[str]
    waited: float


type Script = Callable[..., Ran]


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Directory]:
    """A tenant with nothing of ours, to which `az` on the PATH leads."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with running_directory(tmp_path) as running:
        yield running


@pytest.fixture
def script(capsys: pytest.CaptureFixture[str]) -> Script:
    """Runs `python -m infra.sign_in` for the environment `production` in this process."""

    def run(*arguments: str) -> Ran:
        waits: list[float] = []
        given = ["--environment", "production", "--resource-group", "my-group", *arguments]
        code = main(given, waits.append)
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err.splitlines(), sum(waits))

    return run


def is_complete(directory: Directory) -> bool:
    """Whether people can sign in to the deployed app, and nobody but them."""
    application = directory.application
    [principal] = [each for each in directory.service_principals.values() if each["id"] != "graph"]
    [credential] = directory.credentials
    [grant] = directory.grants
    return (
        application["signInAudience"] == "AzureADMyOrg"
        and application["api"]["requestedAccessTokenVersion"] == 2
        and application["identifierUris"] == [f"api://{application['appId']}"]
        and application["groupMembershipClaims"] == "ApplicationGroup"
        and application["web"]["redirectUris"] == [f"https://{HOST}/{CALLBACK}"]
        and application["web"]["implicitGrantSettings"] == {"enableIdTokenIssuance": True}
        and principal["appRoleAssignmentRequired"] is True
        and credential["issuer"] == f"https://login.microsoftonline.com/{TENANT}/v2.0"
        and credential["subject"] == IDENTITY
        and credential["audiences"] == ["api://AzureADTokenExchange"]
        and directory.roles == {(ADA, "Administrator")}
        and (grant["consentType"], grant["scope"]) == ("AllPrincipals", "openid profile email")
    )


def test_before_and_after_the_deployment(directory: Directory, script: Script) -> None:
    """The first run makes the registration and prints its id alone; the second adds what needs the app's
    address and identity; the third changes nothing."""
    before = script()
    assert (before.code, before.waited) == (0, 0)
    assert before.out == f"{directory.application['appId']}\n"
    assert before.lines[0] == "created: app registration Segment export production"
    assert any("not deployed yet" in line for line in before.lines)
    assert directory.credentials == []

    directory.deploy()
    directory.writes.clear()
    after = script()
    assert (after.code, after.out) == (0, before.out)
    assert len(after.lines) == len(directory.writes) == 2
    assert is_complete(directory)

    directory.writes.clear()
    again = script()
    assert again == Ran(0, before.out, ["Nothing to change."], 0)
    assert directory.writes == []


def test_the_roles_are_the_app_s(directory: Directory, script: Script) -> None:
    """Each role that the app knows by a sign-in, for people and for applications."""
    script()
    roles = {role["value"]: role for role in directory.application["appRoles"]}
    assert {name.lower() for name in roles} == set(Role) - {Role.OPERATOR}
    assert all(role["allowedMemberTypes"] == ["User", "Application"] for role in roles.values())


def test_each_line_is_a_change(directory: Directory, script: Script) -> None:
    """What a whole run changes is said, part by part."""
    directory.deploy()
    lines = script().lines
    assert len(lines) == 11
    assert all(
        line.startswith(("created: ", "set: ", "added: ", "assigned: ", "granted: ")) for line in lines
    )
    assert f"assigned: {ADA} is Administrator" in lines


@pytest.mark.parametrize("writes", range(1, 7))
def test_what_was_half_done_is_finished(directory: Directory, script: Script, writes: int) -> None:
    """After a run that died behind any of its writes."""
    directory.deploy()
    directory.dies_after = writes
    assert script().code == 1
    assert len(directory.writes) == writes
    directory.dies_after = None
    assert script().code == 0
    assert is_complete(directory)
    assert len(directory.writes) == 6  # none of them twice


@pytest.mark.parametrize("busy", [1, 4])
def test_too_many_requests(directory: Directory, script: Script, busy: int) -> None:
    """Whatever was asked for is asked for again, later and later, and made once."""
    directory.deploy()
    directory.too_many = busy
    ran = script()
    assert (ran.code, ran.waited) == (0, {1: 10, 4: 150}[busy])
    assert is_complete(directory)
    assert len(directory.writes) == 6


@pytest.mark.parametrize("read", range(1, 9))
def test_too_many_requests_in_the_middle(directory: Directory, script: Script, read: int) -> None:
    """Of lookups, lists and changes alike."""
    directory.deploy()
    asked = 0

    def rest(options: dict[str, str], arguments: list[str]) -> Any:
        nonlocal asked
        asked += 1
        directory.too_many = int(asked == read)
        return answer(options, arguments)

    answer, directory._rest = directory._rest, rest  # type: ignore[method-assign]
    ran = script()
    assert (ran.code, ran.waited) == (0, 10)
    assert is_complete(directory)


def test_too_many_requests_for_ever(directory: Directory, script: Script) -> None:
    """It stops after two and a half minutes."""
    directory.too_many = 1_000
    ran = script()
    assert (ran.code, ran.waited) == (1, 150)
    assert ran.lines == ["429 Too Many Requests: Slow down.", "Run this again: it continues here."]


def test_what_was_just_made_may_be_unknown(directory: Directory, script: Script) -> None:
    """The directory knows it after a while: the script asks again, and goes on."""
    directory.deploy()
    directory.lag = 3
    ran = script()
    assert ran.code == 0, ran.lines
    assert ran.waited > 0
    assert is_complete(directory)


def test_it_does_not_wait_for_ever(directory: Directory, script: Script) -> None:
    """After a minute it stops, and says what helps."""
    directory.lag = 1_000
    ran = script()
    assert (ran.code, ran.out, ran.waited) == (1, "", 60)
    assert ran.lines[-2].startswith("404 Not Found: ")
    assert "run this again later" in ran.lines[-1]


def test_two_runs_at_once_make_one_registration(directory: Directory, script: Script) -> None:
    """What another run has added meanwhile, and lists do not show yet, is not an error, and not said."""
    directory.deploy()
    script()
    directory.stale = {"appRoleAssignedTo", "oauth2PermissionGrants", "federatedIdentityCredentials"}
    for made in (*directory.applications, *directory.service_principals):
        directory._unknown[made] = 1
    directory.writes.clear()
    ran = script()
    assert (ran.code, ran.lines) == (0, ["Nothing to change."])
    assert is_complete(directory)


def test_environments_have_registrations_of_their_own(directory: Directory, script: Script) -> None:
    """The same name in another group or subscription is another one; upper case makes no difference."""
    names = {
        unique_name(SUBSCRIPTION, "my-group", "production"),
        unique_name(SUBSCRIPTION, "other-group", "production"),
        unique_name(SUBSCRIPTION, "my-group", "staging"),
        unique_name(TENANT, "my-group", "production"),
    }
    assert len(names) == 4
    assert unique_name(SUBSCRIPTION, "My-Group", "production") in names
    script()
    script("--environment", "staging")
    assert len(directory.applications) == 2


def test_what_others_added_stays(directory: Directory, script: Script) -> None:
    """Roles, assignments, redirect URIs, credentials, consent and the name."""
    directory.deploy()
    script()
    application = directory.application
    theirs = {"id": "their-role", "value": "Auditor", "isEnabled": True}
    application["appRoles"] = [theirs, *application["appRoles"][1:]]  # ours is gone
    application["displayName"] = "Their name"
    application["web"]["redirectUris"] = ["https://theirs.example.org/callback"]
    application["identifierUris"] = ["api://theirs"]
    owner = next(iter(directory.assignments))["owner"]
    directory.assignments = [{"principalId": EVE, "appRoleId": "their-role", "owner": owner}]
    directory.credentials[0] |= {"name": "theirs", "subject": "their-subject"}
    directory.grants[0]["scope"] = "openid User.Read"
    eve_s = {"id": "eve-s", "consentType": "Principal", "principalId": EVE, "scope": "openid"}
    directory.grants.insert(0, directory.grants[0] | eve_s)

    assert script().code == 0

    assert application["appRoles"][0] == theirs
    assert len(application["appRoles"]) == 4
    assert application["displayName"] == "Their name"
    assert application["web"]["redirectUris"] == [
        "https://theirs.example.org/callback",
        f"https://{HOST}/{CALLBACK}",
    ]
    assert application["identifierUris"] == ["api://theirs", f"api://{application['appId']}"]
    assert directory.roles == {(EVE, "Auditor"), (ADA, "Administrator")}
    assert [each["subject"] for each in directory.credentials] == ["their-subject", IDENTITY]
    assert [each["scope"] for each in directory.grants] == ["openid", "openid User.Read profile email"]


def test_a_registration_of_the_portal_s_is_completed(directory: Directory, script: Script) -> None:
    """Given its client id: its own roles stay, no second one is made, and it is closed to other tenants."""
    directory.deploy()
    directory.applications["portal"] = {
        "id": "portal",
        "appId": EVE,
        "displayName": "func-made",
        "signInAudience": "AzureADMultipleOrgs",
        "appRoles": [{"id": "role", "value": "Viewer", "isEnabled": True}],
        "identifierUris": [f"api://{EVE}"],
        "api": {"requestedAccessTokenVersion": 2},
        "web": {
            "redirectUris": [f"https://{HOST}/{CALLBACK}"],
            "implicitGrantSettings": {"enableIdTokenIssuance": True},
        },
    }
    directory.service_principals["sp"] = {"id": "sp", "appId": EVE, "appRoleAssignmentRequired": False}
    ran = script("--client-id", EVE, "--assign", FACTORY, "Viewer")
    assert (ran.code, ran.out) == (0, f"{EVE}\n")
    assert {role["value"]: role["id"] for role in directory.application["appRoles"]}["Viewer"] == "role"
    assert directory.application["signInAudience"] == "AzureADMyOrg"
    assert directory.service_principals["sp"]["appRoleAssignmentRequired"] is True
    assert directory.roles == {(FACTORY, "Viewer"), (ADA, "Administrator")}


def test_a_client_id_that_is_not_there(directory: Directory, script: Script) -> None:
    """No other registration is made in its place."""
    ran = script("--client-id", EVE)
    assert (ran.code, directory.writes) == (1, [])
    assert "SIGN_IN_CLIENT_ID" in ran.lines[0]


def test_roles_are_given(directory: Directory, script: Script) -> None:
    """To people and to managed identities; whoever is named an administrator is the first one."""
    ran = script("--assign", EVE, "Administrator", "--assign", FACTORY.upper(), "Contributor")
    assert ran.code == 0
    assert directory.roles == {(EVE, "Administrator"), (FACTORY, "Contributor")}
    directory.writes.clear()
    script("--assign", EVE, "Administrator", "--assign", FACTORY, "Contributor")
    assert directory.writes == []


def test_an_application_that_runs_it_becomes_nothing(directory: Directory, script: Script) -> None:
    """It says that somebody has to be named."""
    directory.by_a_person = False
    ran = script()
    assert (ran.code, directory.roles) == (0, set())
    assert any("--assign OBJECT_ID Administrator" in line for line in ran.lines)


def test_people_reach_the_app_elsewhere(directory: Directory, script: Script) -> None:
    """They return to both addresses."""
    directory.deploy()
    script("--url", "https://exports.example.org/")
    uris = directory.application["web"]["redirectUris"]
    assert uris == [f"https://{HOST}/{CALLBACK}", f"https://exports.example.org/{CALLBACK}"]


@pytest.mark.parametrize("collection", ["applications", "appRoleAssignedTo", "oauth2PermissionGrants"])
def test_somebody_else_has_to_finish_it(directory: Directory, script: Script, collection: str) -> None:
    """Where a right is missing, it says whose; the same command of theirs does the rest."""
    directory.deploy()
    directory.forbidden = {collection}
    ran = script()
    assert (ran.code, ran.out) == (1, "")
    assert ran.lines[-3].startswith("403 Forbidden: Insufficient privileges")
    assert "Cloud Application" in ran.lines[-2]
    directory.forbidden = set()
    assert script().code == 0
    assert is_complete(directory)


def test_what_can_not_be_read_is_not_made(directory: Directory, script: Script) -> None:
    """A registration that is hidden is not taken for one that is missing."""
    directory.unreadable = True
    assert script().code == 1
    assert directory.writes == []


def test_the_group_is_not_there_yet(directory: Directory, script: Script) -> None:
    """The registration is made all the same, for an app that comes later."""
    ran = script("--resource-group", "new-group")
    assert (ran.code, len(directory.applications)) == (0, 1)
    assert any("not deployed yet" in line for line in ran.lines)


def test_an_object_id_of_nobody(directory: Directory, script: Script) -> None:
    ran = script("--assign", IDENTITY, "Viewer")
    assert ran.code == 1
    assert "Check the object ids" in ran.lines[-1]


def test_nobody_is_signed_in(directory: Directory, script: Script) -> None:
    directory.signed_in = False
    assert script().lines == ["az is not signed in, or its sign-in has expired. Run az login."]


def test_az_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: Script) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ran = script()
    assert (ran.code, ran.lines) == (
        1,
        ["az is not installed. Install it: https://learn.microsoft.com/cli/azure/install-azure-cli"],
    )


@pytest.mark.parametrize(
    ("printed", "lines"),
    [
        ("ERROR: no network", ["az failed: ERROR: no network"]),
        ("", ["az failed: it printed nothing"]),
        (
            'ERROR: Unauthorized({"error":{"message":"Expired."}})\nPlease run:\naz login',
            ["az is not signed in, or its sign-in has expired. Run az login."],
        ),
        (
            'ERROR: Too Many Requests({"error":{"message":"Slow down."}})',
            ["429 Too Many Requests: Slow down.", "Run this again: it continues here."],
        ),
        (
            'ERROR: Service Unavailable({"odd":true})',
            ['503 Service Unavailable: {"odd":true}', "Run this again: it continues here."],
        ),
    ],
)
def test_az_fails_otherwise(
    directory: Directory, script: Script, tmp_path: Path, printed: str, lines: list[str]
) -> None:
    """What it says is shown, as far as it helps."""
    (tmp_path / "words").write_text(printed)
    (tmp_path / "az").write_text(f"#!/bin/sh\ncat {tmp_path}/words >&2\nexit 2\n")
    ran = script()
    assert (ran.code, ran.lines, directory.writes) == (1, lines, [])


def test_az_uses_another_subscription(directory: Directory, script: Script) -> None:
    """It might be one of another tenant: nothing is made there."""
    ran = script("--subscription", TENANT)
    assert (ran.code, directory.writes) == (1, [])
    assert f"az account set --subscription {TENANT}" in ran.lines[0]


def test_an_app_whose_identity_is_unclear(directory: Directory, script: Script) -> None:
    directory.deploy(identities=2)
    ran = script()
    assert (ran.code, directory.writes) == (1, [])
    assert ran.lines == [
        "func-made must have exactly one user-assigned identity. Deploy the templates again."
    ]


def test_only_ours_is_trusted(directory: Directory, script: Script) -> None:
    """Another project's app has the tag of our environment, and ours is not deployed yet."""
    directory.deploy()
    directory.sites.pop()
    ran = script()
    assert any("not deployed yet" in line for line in ran.lines)
    assert directory.credentials == []
    assert directory.application["web"]["redirectUris"] == []


def test_two_apps_that_could_be_ours(directory: Directory, script: Script) -> None:
    """Neither is trusted."""
    directory.deploy()
    directory.sites.append(directory.sites[-1] | {"name": "second"})
    ran = script()
    assert (ran.code, directory.writes) == (1, [])
    assert ran.lines == [
        "func-made and second have the tags azd-env-name=production and azd-service-name=export. "
        "Remove them from each app that does not belong to this environment."
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--assign", "ada@example.org", "Viewer"],
        ["--assign", EVE, "Owner"],
        ["--client-id", "my-app"],
        ["--url", "http://exports.example.org"],
        ["--resource-group", ""],
    ],
)
def test_what_can_t_be_meant_is_refused(script: Script, arguments: list[str]) -> None:
    """Before az is called."""
    with pytest.raises(SystemExit) as refused:
        script(*arguments)
    assert refused.value.code == 2


HOOKS = (ROOT / "azure.yaml").read_text().partition("hooks:\n")[2]


def hook(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs what azd runs around its provisioning; `azd` writes what it is called with into a file."""
    python = folder / "project/.venv/bin/python"
    if not python.exists():
        python.parent.mkdir(parents=True)
        (folder / "project/infra").symlink_to(ROOT / "infra")
        python.symlink_to(sys.executable)
    azd = folder / "azd"
    azd.write_text(f'#!/bin/sh\necho "$@" >> {folder}/azd.log\n')
    azd.chmod(0o700)
    variables = {
        "AZURE_ENV_NAME": "production",
        "AZURE_RESOURCE_GROUP": "my-group",
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        **environment,
    }
    return subprocess.run(
        ["sh", "infra/sign_in.sh"],
        cwd=folder / "project",
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | variables,
    )


def test_azd_keeps_the_client_id(directory: Directory, tmp_path: Path) -> None:
    """Before it provisions, and again after, with what it kept; not where callers have a function key."""
    assert HOOKS.count("run: sh infra/sign_in.sh\n") == 2
    assert hook(tmp_path, AUTH="key").returncode == hook(tmp_path).returncode == 0
    assert directory.writes == []
    assert hook(tmp_path, AUTH="entra").returncode == 0
    client_id = directory.application["appId"]
    directory.deploy()
    again = hook(tmp_path, AUTH="entra", SIGN_IN_CLIENT_ID=client_id)
    assert again.returncode == 0, again.stderr
    assert is_complete(directory)
    assert (tmp_path / "azd.log").read_text() == 2 * f"env set SIGN_IN_CLIENT_ID {client_id}\n"


@pytest.mark.parametrize("name", ["AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP"])
def test_azd_has_not_asked_yet(directory: Directory, tmp_path: Path, name: str) -> None:
    """The registration of another group or subscription would be another one: nothing is made."""
    ran = hook(tmp_path, AUTH="entra", **{name: ""})
    assert ran.returncode != 0
    assert f"{name}: is not set. AUTH=entra needs it: azd env set {name} <" in ran.stderr
    assert directory.writes == []
    assert not (tmp_path / "azd.log").exists()
    assert hook(tmp_path, AUTH="key", **{name: ""}).returncode == 0


def test_azd_stops_where_the_script_fails(directory: Directory, tmp_path: Path) -> None:
    """An empty client id would deploy an app without its sign-in."""
    directory.signed_in = False
    ran = hook(tmp_path, AUTH="entra")
    assert ran.returncode != 0
    assert not (tmp_path / "azd.log").exists()
