"""NOTIFY_SECRET and the command: runs notify, and `doctor` looks at the secret."""

import pytest

from sandbox.people import People
from tests.cli.conftest import Command
from tests.support.webhook import KEY, SECRET, TOKEN, notify_of, receiving
from tests.support.world import World

NOTIFY = {"NOTIFY_SECRET": SECRET}


def test_a_run_that_fails_notifies(command: Command, world: World) -> None:
    """The command reads the setting from its environment, and never shows the address."""
    world.segment(People(5))
    world.document("exports/vip.json", list_id="Nowher")
    with receiving() as receiver:
        notify_of(world, receiver.address)
        result = command("run", "vip", **NOTIFY)
    assert result.exit_code == 1
    assert [message.content["type"] for message in receiver.messages] == ["run.failed"]
    assert TOKEN not in result.output


def test_doctor_reads_the_address_and_sends_nothing(command: Command, world: World) -> None:
    """Without the setting, it reports nothing about it."""
    with receiving() as receiver:
        notify_of(world, f"{receiver.address} {KEY}")
        result = command("doctor", **NOTIFY)
    assert f"ok    notifications: the secret {SECRET} has an address" in result.output
    assert receiver.messages == []
    assert "notifications" not in command("doctor").output


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("elsewhere", "https://example.org/", "not_found"),
        (SECRET, f"pk_{TOKEN}", "invalid_settings"),
        (f"https://example.org/{TOKEN}", "https://example.org/", "invalid_request"),
    ],
)
def test_doctor_reports_what_is_no_address(
    command: Command, world: World, name: str, value: str, code: str
) -> None:
    """A secret that is missing, not an address, or badly named has a code and a fix."""
    notify_of(world, value)
    result = command("doctor", NOTIFY_SECRET=name)
    assert result.exit_code == 1
    [line, fix] = result.output[result.output.index("WRONG notifications:") :].splitlines()[:2]
    assert f"({code})" in line
    assert "store the webhook's https address under that name" in fix
    assert TOKEN not in result.output
