"""`connections add`: asks, tries the key, and writes what a run needs."""

import json
import os
import subprocess

import pytest

from shared.errors import NotFound
from tests.cli.conftest import Command
from tests.support.host import COMMAND
from tests.support.world import World, environment_of

ANSWERS = ["My Klaviyo", "", "pk_sandbox", "", "y"]


def typed(*answers: str) -> str:
    return "".join(f"{answer}\n" for answer in answers)


def test_add_writes_key_and_document(command: Command, world: World) -> None:
    """The account of the key is shown and pinned; the key is in the secrets file, and nowhere else."""
    result = command("connections", "add", input=typed(*ANSWERS))

    assert result.exit_code == 0, result.output
    assert "The key opens the Klaviyo account SNDBOX (Sandbox)." in result.stdout
    assert "pk_sandbox" not in result.output
    connection = world.services.catalog.connection("my-klaviyo")
    assert connection.account is not None
    assert (connection.display_name, connection.account.id) == ("My Klaviyo", "SNDBOX")
    assert connection.shared_with == "administrators"
    assert world.services.vault.secret(connection.secret_name) == "pk_sandbox"
    assert world.services.vault.secret("klaviyo-sandbox") == "pk_sandbox"
    assert world.services.settings.secrets_file.stat().st_mode & 0o777 == 0o600
    assert b"pk_sandbox" not in world.services.state.read("connections/my-klaviyo.json").content


def test_add_for_people(command: Command, world: World) -> None:
    """People and groups are separated by commas; a blank between two commas is ignored, and a name is an
    error."""
    ids = ("00000000-0000-4000-8000-00000000ada0", "00000000-0000-4000-8000-0000000000f0")
    answers = ["Mine", "mine", "pk_sandbox", f"{ids[0]}, , {ids[1]},", "y"]

    refused = command("connections", "add", input=typed(*answers[:3], "ada@example.org", "y"))
    assert command("connections", "add", input=typed(*answers)).exit_code == 0

    assert (refused.exit_code, "or an object id of Microsoft Entra" in refused.output) == (2, True)
    assert world.services.catalog.connection("mine").shared_with == ids


def test_add_asks_again_for_what_can_not_be(command: Command) -> None:
    """An id that exists or is not valid, and a key that can't be one, are asked for again."""
    answers = ["Mine", "No Id", "sandbox", "mine", "clé", "pk_sandbox", "", "y"]

    result = command("connections", "add", input=typed(*answers))

    assert result.exit_code == 0, result.output
    for said in ("An id has 1 to 63", "The connection sandbox already exists", "printable ASCII"):
        assert said in result.output


@pytest.mark.parametrize(
    ("answers", "exit_code", "said"),
    [
        ([*ANSWERS[:4], "n"], 1, "Nothing was written."),
        (["Mine", "", "pk_wrong"], 2, "invalid_key"),
        (["Mine"], 2, "run it in a terminal"),
    ],
)
def test_add_writes_nothing_where_it_does_not_come_to_an_end(
    command: Command, world: World, answers: list[str], exit_code: int, said: str
) -> None:
    """Without consent, with a wrong key, or with the questions left: everything is as it was."""
    secrets = world.services.settings.secrets_file.read_text()

    result = command("connections", "add", input=typed(*answers))

    assert result.exit_code == exit_code
    assert said in result.output
    assert world.services.settings.secrets_file.read_text() == secrets
    with pytest.raises(NotFound):
        world.services.catalog.connection("my-klaviyo")


def test_add_can_be_scripted(command: Command, world: World) -> None:
    """With the key in the environment, nothing is asked."""
    options = ["--name", "Klaviyo EU", "--id", "eu", "--shared-with", "contributors", "--agree"]

    result = command("connections", "add", *options, "--json", KLAVIYO_API_KEY="pk_sandbox")

    made = json.loads(result.stdout)
    assert (made["id"], made["shared_with"], made["account"]["id"]) == ("eu", "contributors", "SNDBOX")
    assert made["consent"]["text_digest"]
    assert "pk_sandbox" not in result.output


def test_a_vault_that_can_not_be_reached_leaves_nothing(command: Command, world: World) -> None:
    """The same command again will do."""
    result = command(
        "connections", "add", input=typed(*ANSWERS), KEY_VAULT_URL="https://made-up.vault.azure.net"
    )

    assert result.exit_code == 3, result.output
    assert "vault_unavailable" in result.output
    assert json.loads(world.services.settings.secrets_file.read_text()).keys() == {"klaviyo-sandbox"}
    with pytest.raises(NotFound):
        world.services.catalog.connection("my-klaviyo")


def test_a_connection_is_changed_detached_and_removed(command: Command, world: World) -> None:
    """Each by a command of its own; the key goes with it, since the command wrote it."""
    command("connections", "add", input=typed(*ANSWERS))
    before = world.services.catalog.connection("my-klaviyo")
    command("exports", "attach", "vip", "my-klaviyo")

    assert command("connections", "share", "my-klaviyo", "contributors").exit_code == 0
    assert command("connections", "edit", "my-klaviyo", "--name", "Klaviyo EU").exit_code == 0
    assert command("connections", "pause", "my-klaviyo").exit_code == 0
    changed = world.services.catalog.connection("my-klaviyo")
    assert (changed.shared_with, changed.display_name, changed.paused) == ("contributors", "Klaviyo EU", True)
    assert command("connections", "pause", "my-klaviyo", "--off").exit_code == 0
    assert command("connections", "key", "my-klaviyo", KLAVIYO_API_KEY="pk_sandbox").exit_code == 0
    keyed = world.services.catalog.connection("my-klaviyo")
    assert (keyed.paused, keyed.secret_name != before.secret_name) == (False, True)

    refused = command("connections", "remove", "my-klaviyo")
    assert (refused.exit_code, "'vip'" in refused.output) == (2, True)
    assert json.loads(command("connections", "detach", "my-klaviyo", "--json").stdout) == {"exports": ["vip"]}
    assert command("connections", "remove", "my-klaviyo").exit_code == 0
    assert json.loads(world.services.settings.secrets_file.read_text()).keys() == {"klaviyo-sandbox"}


def test_lists_of_a_connection(command: Command) -> None:
    """The output has the opt-in process, which decides who gets mail."""
    assert json.loads(command("connections", "lists", "sandbox", "--json").stdout) == {
        "lists": [{"id": "Y6nRLr", "name": "VIP", "opt_in": "single_opt_in"}]
    }
    assert "single opt in" in command("connections", "lists", "sandbox").stdout


def test_answers_can_be_piped_in(world: World) -> None:
    """Into a real process, which warns of nothing."""
    done = subprocess.run(
        [str(COMMAND), "connections", "add"],
        input=typed("Mine", "mine", "pk_wrong", "pk_sandbox", "", "y"),
        env=environment_of(world) | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr == "Error: This key opens no account (invalid_key).\n"
    assert world.services.catalog.connection("mine").account is not None
