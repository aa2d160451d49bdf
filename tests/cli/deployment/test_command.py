"""`doctor --deployment` as it is called: the real credential, the names, and their mistakes."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from subprocess import run

import pytest
from click.testing import CliRunner

from cli.doctor.deployment import Place
from cli.main import main
from shared.settings import Settings
from tests.support.host import COMMAND
from tests.support.identity import running_identity
from tests.support.resource_manager import (
    SEGMENTS,
    SUBSCRIPTION,
    TOKEN,
    Subscription,
    running_azure,
)

IDENTITY = "44444444-4444-4444-8444-444444444444"


@pytest.fixture
def signed_in(made: Subscription) -> Iterator[dict[str, str]]:
    """The environment of a process in which the real credential signs in, with azd's variables."""
    with running_azure(made) as url, running_identity(IDENTITY, TOKEN) as identity:
        yield {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **identity,
            "URL": url,
            "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
            "AZURE_RESOURCE_GROUP": "exports",
            "FUNCTION_APP_NAME": "func-made",
            "SEGMENTS_URL": "https://mysegments.blob.core.windows.net/exports/folder",
            "STATE_URL": "https://stmade.blob.core.windows.net/state",
            "KEY_VAULT_URL": "https://kv-made.vault.azure.net",
            "QUEUE_URL": "https://stmade.queue.core.windows.net/work",
        }


def command(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    url = environment["URL"]
    apis = ("--resource-manager", url, "--graph", url)
    process = run(
        [COMMAND, "doctor", "--deployment", *apis, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return process.returncode, process.stdout + process.stderr


def test_the_command(made: Subscription, signed_in: dict[str, str]) -> None:
    """It uses azd's variables and the real credential; the exit code is 1 if something is wrong."""
    assert command(signed_in)[0] == 0
    made.things[f"{SEGMENTS}/blobServices/default"]["properties"]["deleteRetentionPolicy"]["enabled"] = True

    code, said = command(signed_in)
    coded, document = command(signed_in, "--json")

    assert (code, coded) == (1, 1)
    assert "WRONG soft delete of mysegments: is on" in said
    assert "ok    app on stmade/work-poison" in said
    findings = json.loads(document)["findings"]
    assert [each["name"] for each in findings if each["fix"]] == ["soft delete of mysegments"]


def test_the_groups_of_a_deployment(made: Subscription, signed_in: dict[str, str]) -> None:
    """The deployment's own, unless variables or options name others; nothing where an earlier one's outputs
    name account and vault."""
    named = signed_in | {"SEGMENTS_ACCOUNT": "mysegments", "KEY_VAULT": "kv-made"}
    code, said = command(named)
    assert (code, "WRONG group of mysegments: is crm" in said) == (1, True)
    assert "ok    group of kv-made: is exports" in said

    code, said = command(named | {"SEGMENTS_RESOURCE_GROUP": "crm", "KEY_VAULT_RESOURCE_GROUP": "vaults"})
    assert (code, "ok    group of mysegments: is crm" in said) == (1, True)
    assert "WRONG group of kv-made: is exports" in said

    options = ("--segments-resource-group", "crm", "--key-vault-resource-group", "exports")
    assert command(named, *options)[0] == 0
    assert "group of" not in command(signed_in | {"KEY_VAULT_NAME": "kv-made"})[1]


def test_nobody_is_signed_in(made: Subscription, signed_in: dict[str, str], tmp_path: Path) -> None:
    """Nothing is asked, and nothing is called well: one warning."""
    environment = signed_in | {"IDENTITY_HEADER": "wrong", "PATH": str(tmp_path), "HOME": str(tmp_path)}

    code, said = command(environment)

    assert (code, made.asked) == (0, [])
    assert "warn  sign-in: not checked" in said
    assert "az login" in said
    assert "Check the warnings." in said


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--subscription", "not-a-guid"],
        ["--subscription", SUBSCRIPTION, "--segments-account", "x' or name eq 'y"],
        ["--subscription", SUBSCRIPTION, "--resource-group", "a/b"],
        ["--subscription", SUBSCRIPTION, "--resource-manager", "http://example.org"],
    ],
)
def test_what_can_not_be_a_name(arguments: list[str]) -> None:
    """Exit code 2, and nothing is asked."""
    result = CliRunner(env=dict.fromkeys(("AZURE_SUBSCRIPTION_ID",))).invoke(
        main, ["doctor", "--deployment", *arguments]
    )
    assert result.exit_code == 2, result.output


@pytest.mark.parametrize(
    ("segments_url", "account", "container", "expected"),
    [
        ("https://one.blob.core.windows.net/exports/folder", None, None, ("one", "exports")),
        ("https://one.blob.core.windows.net/exports", "one", None, ("one", "exports")),
        ("https://one.blob.core.windows.net/exports", "other", None, ("other", None)),
        ("https://one.blob.core.windows.net/exports", "other", "theirs", ("other", "theirs")),
        ("file:./data/segments", None, None, (None, None)),
        ("http://127.0.0.1:10000/devstoreaccount1/exports", None, None, (None, None)),
    ],
)
def test_names_out_of_the_settings(
    segments_url: str, account: str | None, container: str | None, expected: tuple[str | None, str | None]
) -> None:
    """An option takes precedence; a folder or an emulator is not in Azure."""
    place = Place.of(
        Settings(segments_url=segments_url),
        SUBSCRIPTION,
        group=None,
        location=None,
        segments=account,
        segments_group=None,
        container=container,
        vault=None,
        vault_group=None,
        app=None,
    )
    assert (place.segments, place.container) == expected
    assert (place.state, place.vault) == (None, None)
