"""`connections add`: asks, tries the key, and writes what a run needs."""

import json

import pytest

from shared.errors import NotFound
from tests.cli.conftest import Command
from tests.support.world import World

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
    """People and groups are given by comma; a blank between two commas is nobody."""
    answers = ["Mine", "mine", "pk_sandbox", " , ", "ada@example.org, , marketing,", "y"]

    assert command("connections", "add", input=typed(*answers)).exit_code == 0

    assert world.services.catalog.connection("mine").shared_with == ("ada@example.org", "marketing")


def test_add_asks_again_for_what_can_not_be(command: Command) -> None:
    """An id that is taken or no id, and a key that can't be one, are asked for again."""
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


def test_add_with_a_key_vault_says_how(command: Command, world: World) -> None:
    """With a Key Vault, the command shows Azure's own command to store the key."""
    result = command(
        "connections", "add", input=typed(*ANSWERS), KEY_VAULT_URL="https://made-up.vault.azure.net"
    )

    assert result.exit_code == 0, result.output
    assert "az keyvault secret set --vault-name made-up --name my-klaviyo-key" in result.stdout
    assert json.loads(world.services.settings.secrets_file.read_text()).keys() == {"klaviyo-sandbox"}
