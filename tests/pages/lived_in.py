"""A world in which people have worked for some days."""

import json
from datetime import timedelta
from typing import Any

from sandbox.klaviyo import ImportFailure
from sandbox.people import People, email
from sandbox.sample import example_documents
from tests.support.world import MONDAY, World

DAY = 86_400.0


def live_in(world: World) -> dict[str, str]:
    """Lets runs happen, and returns the ids of some by what is special about them.

    The export vip mirrors its segment: refused rows, nothing new, many people gone. The list of lost is not
    there, asleep has no active schedule, and nobody has ever run it.
    """
    world.document("exports/vip.json", sync={"mode": "mirror"})
    documents = example_documents()["exports/vip.json"]
    others: dict[str, dict[str, Any]] = {
        "lost": {"display_name": "Winter coats", "list_id": "GONE99"},
        "asleep": {"display_name": "Asleep", "schedule": {"active": False, "when": "on_refresh"}},
    }
    for name, changes in others.items():
        world.services.state.write(
            f"exports/{name}.json", json.dumps(documents | {"id": name} | changes).encode()
        )
    world.stand_in.failures = {email(index): ImportFailure() for index in (3, 7)}
    people = {"refused": People(120, dirt=True), "unchanged": People(120, dirt=True), "held": People(30)}
    ids = {}
    for day, (special, rows) in enumerate(people.items()):
        world.segment(rows, refreshed=MONDAY + timedelta(days=day))
        ids[special] = world.run().id
        world.clock.sleep(DAY)
    ids["failed"] = world.run("lost").id
    return ids
