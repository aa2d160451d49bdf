"""The metadata of a file, in a separate file that names the version it belongs to."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from shared.adapters.storage.files import spooled


def read_metadata(sidecar: str, etag: str) -> dict[str, str]:
    """The metadata of the version with this ETag; empty if there is none for it."""
    with suppress(OSError, ValueError), open(sidecar, "rb") as file:  # noqa: PTH123 - a Path costs more
        described = json.loads(file.read())
        if described["etag"] == etag:
            return dict(described["metadata"])
    return {}


def write_metadata(sidecar: Path, etag: str, metadata: Mapping[str, str]) -> None:
    """Written before the version itself, so its readers see its metadata.

    It is not synced: if a power failure truncates it, the version has no metadata.
    """
    described = json.dumps({"etag": etag, "metadata": dict(metadata)}).encode()
    with spooled(sidecar, described) as (temporary, _):
        temporary.replace(sidecar)
