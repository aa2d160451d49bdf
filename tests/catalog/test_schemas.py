"""The JSON Schemas in docs/ say what the code says."""

from pathlib import Path

from shared.catalog.schemas import schemas

DOCS = Path(__file__).parents[2] / "docs" / "schemas"


def test_the_schemas_are_up_to_date() -> None:
    """A change of the documents changes their schemas: `python -m shared.catalog.schemas docs/schemas`."""
    assert {path.name: path.read_text() for path in DOCS.iterdir()} == schemas()
