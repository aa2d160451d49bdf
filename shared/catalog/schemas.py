"""The documents as JSON Schemas, for editors: `python -m shared.catalog.schemas docs/schemas` writes them."""

import json
import sys
from pathlib import Path

from shared.catalog.connection import Connection
from shared.catalog.export import Export


def schemas() -> dict[str, str]:
    """The schemas (draft 2020-12) by the names of their files."""
    return {
        f"{kind.__name__.lower()}.json": json.dumps(_schema(kind), indent=2) + "\n"
        for kind in (Connection, Export)
    }


def _schema(kind: type[Connection | Export]) -> dict[str, object]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **kind.model_json_schema()}


if __name__ == "__main__":
    for name, text in schemas().items():
        Path(sys.argv[1], name).write_text(text)
