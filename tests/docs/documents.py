"""Reads the JSON examples of the pages as the app reads its documents."""

import json

from shared.catalog import Connection, Export


def check(text: str) -> None:
    """Raises InvalidDocument if the connection or export in an example is not valid."""
    kind = Export if "segments" in json.loads(text) else Connection
    kind.parse("example", text.encode())
