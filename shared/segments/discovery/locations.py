"""Names in the store, from a location in model.json or a run folder's name."""

import re
from urllib.parse import unquote, urlsplit

from shared.adapters.storage.names import is_name
from shared.settings import container_and_prefix

NO_RUN = "0" * 12
# Characters of a blob's name in Azure, and of an escaped and signed URL of one.
MAX_NAME, MAX_URL = 1024, 16 * 1024
_RUN = re.compile(r"(?:(?P<segment>.*)/)?(\d{4})/(\d{2})/(\d{2})/(\d{4})", re.ASCII)
_NUMBER = re.compile(r"(\d+)", re.ASCII)


def blob_name(location: str) -> str | None:
    """The name of the blob at a URL, below its container; None if it is not a URL, leads elsewhere, or is
    too long.

    The host (`.blob.`, `.dfs.`, or an emulator's) is never called. A `?snapshot=…` is ignored: a run folder
    is written once, and a run pins the ETag that the blob has now.
    """
    if len(location) > MAX_URL or any(char < " " for char in location):
        return None  # urlsplit would remove control characters
    try:
        _, path = container_and_prefix(location)
        parts = [unquote(part, errors="strict") for part in path.split("/")]
    except ValueError:
        return None
    name = "/".join(parts)
    is_plain = len(name) <= MAX_NAME and is_name(name) and not any("/" in part for part in parts)
    return name if is_plain and urlsplit(location).scheme in ("https", "http") else None


def segment_folder(folder: str) -> str:
    """The folder above a run folder; any other folder unchanged."""
    found = _RUN.fullmatch(folder)
    return (found["segment"] or "") if found else folder


def run_time(folder: str) -> str:
    """A run folder's yyyyMMddHHmm; zeros for any other folder."""
    found = _RUN.fullmatch(folder)
    return "".join(found.groups()[1:]) if found else NO_RUN


def natural_order(name: str) -> list[str | int]:
    """A key that sorts names by the numbers in them: Gold_2.csv before Gold_10.csv."""
    return [int(part) if index % 2 else part for index, part in enumerate(_NUMBER.split(name))]
