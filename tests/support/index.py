"""Exports and entries of the index, for decisions over what is due."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.catalog import Export
from shared.runs.heads.index import IndexEntry

NOON = datetime(2026, 8, 24, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=30)


def export(**changes: Any) -> Export:
    document = {
        "id": "vip",
        "connection": "eu",
        "segments": ["A", "B"],
        "list_id": "Y6nRLr",
        "match": {"email": "EMail"},
    }
    return Export.parse("exports/vip.json", json.dumps(document | changes).encode())


def entry(**changes: Any) -> IndexEntry:
    return IndexEntry.model_validate({"exported": {"A": "2", "B": "2"}, "scheduled_at": LONG_AGO} | changes)
