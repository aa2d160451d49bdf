"""Names from outside that try to be more than names, wherever such names come from."""

import csv
import io
import json

from sandbox.people import COLUMNS, People
from sandbox.sample import FOLDER, example_documents
from tests.support.world import LIST, World

# A window's title, a cleared screen, C1's CSI, marks of direction, a line of its own, and more.
HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eeman\u2066\u200f\u061c"
    "\nFORGED line\rFORGED\u2028FORGED\x7f\u200b\x85"
)
# What a store takes too.
HOSTILE_BLOB = "\x9b31m\u202eeman\u2066\u200f\u061c\u2028FORGED\u200b\x85"


def make_hostile(world: World, name: str) -> None:
    """Puts the name into the world's columns, cells, documents, account and list, and another segment's.

    The export vip can run, broken can't.
    """
    store = world.services.segment_store
    for blob in list(store.list()):
        store.delete(blob.name)
    world.segment(People(30, dirt=True), partitions=1)
    renamed = {column: f"{column}{name}" for column in COLUMNS if column not in ("EMail", "Telephone")}
    (partition,) = [blob.name for blob in store.list() if blob.name.endswith(".csv")]
    header, *rows = csv.reader(io.StringIO(store.read(partition).content.decode()))
    made = io.StringIO()
    for row in rows:
        row[header.index("City")] = name
    csv.writer(made).writerows([[renamed.get(column, column) for column in header], *rows])
    store.write(partition, made.getvalue().encode())
    model = json.loads(store.read(f"{FOLDER}/model.json").content)
    (entity,) = model["entities"]
    for attribute in entity["attributes"]:
        attribute["name"] = renamed.get(attribute["name"], attribute["name"])
    model["entities"].append(entity | {"name": f"Other{name}", "partitions": []})
    store.write(f"{FOLDER}/model.json", json.dumps(model).encode())
    world.document("connections/sandbox.json", display_name=name, export_user=name)
    city = renamed["City"]
    world.document(
        "exports/vip.json",
        display_name=name,
        attributes={"location.city": city, "properties": [{"column": city, "name": name}]},
    )
    broken = example_documents()["exports/vip.json"] | {
        "id": "broken",
        "segments": [f"Gone{name}"],
        "match": {"email": name},
    }
    world.services.state.write("exports/broken.json", json.dumps(broken).encode())
    account = world.stand_in.accounts["SNDBOX"]
    account.name = f"Sandbox{name}"
    account.lists[LIST].name = f"VIP{name}"
