"""Tables show names unchanged, and keep ids whole at 80 columns."""

import json
import re

import pytest

from sandbox.people import People
from sandbox.sample import example_documents
from shared.administration import exports
from shared.administration.rights import Person, Role
from tests.cli.conftest import Command
from tests.support.forks import in_terminal
from tests.support.world import World, environment_of

EXPORT, CONNECTION, SECRET = "vip-customers", "klaviyo-shop", "european-shop-key"
RUN = "the id of its run"


@pytest.mark.parametrize(
    ("words", "whole"),
    [
        (("exports", "list"), [EXPORT, CONNECTION]),
        (("connections", "list"), [CONNECTION]),
        (("runs", "list", EXPORT), [RUN]),
        (("audit",), [f"exports/{EXPORT}", "exports.change"]),
    ],
    ids=["exports", "connections", "runs", "audit"],
)
def test_ids_are_whole(world: World, words: tuple[str, ...], whole: list[str]) -> None:
    """A status in words and a display name make room for them; no line is longer than the terminal."""
    world.segment(People(200, dirt=True))
    name = "A display name that is rather long for a terminal"
    documents = example_documents()
    connection = documents["connections/sandbox.json"] | {
        "id": CONNECTION,
        "secret_name": SECRET,
        "display_name": name,
    }
    connection["account"] = {"id": "SNDBOX", "name": "Sandbox"}
    export = documents["exports/vip.json"] | {"id": EXPORT, "connection": CONNECTION, "display_name": name}
    world.services.state.write(f"connections/{CONNECTION}.json", json.dumps(connection).encode())
    world.services.state.write(f"exports/{EXPORT}.json", json.dumps(export).encode())
    world.secrets({SECRET: "pk_sandbox"})
    run = world.run(EXPORT).id
    exports.activate(world.services, Person("ada@example.org", Role.ADMINISTRATOR), EXPORT, active=False)

    code, said = in_terminal([*words], environment_of(world))

    assert code == 0, said
    lines = re.sub(r"\x1b\[[0-9;]*m", "", said).splitlines()
    words_found = {word for line in lines for word in line.split()}
    assert {run if word == RUN else word for word in whole} <= words_found
    assert max(map(len, lines)) <= 80
    assert "…" not in said


def test_names_like_markup(command: Command, world: World) -> None:
    """They are shown as they are."""
    world.document("exports/vip.json", display_name="VIP [/x]")
    world.document("connections/sandbox.json", display_name="[red]Klaviyo")

    assert "VIP [/x]" in command("exports", "list").stdout
    assert "[red]Klaviyo" in command("connections", "list").stdout
