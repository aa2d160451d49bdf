"""Where files lie: from a location in model.json, or a run folder's name, to names in the store."""

import re
from urllib.parse import unquote, urlsplit

from shared.adapters.storage.names import is_name
from shared.settings import container_and_prefix

NO_RUN = "0" * 12
# Characters of a blob's name, as Azure has it, and of a URL of one, escaped and signed.
LONGEST, LONGEST_URL = 1024, 16 * 1024
_RUN = re.compile(r"(?:(?P<segment>.*)/)?(\d{4})/(\d{2})/(\d{2})/(\d{4})", re.ASCII)
_NUMBER = re.compile(r"(\d+)", re.ASCII)


def blob_name(location: str) -> str | None:
    """The name below its container of the blob at a URL; None where it is no URL, leads elsewhere, or is
    longer than any.

    The host (`.blob.`, `.dfs.`, or an emulator's) is never called. A `?snapshot=…` is ignored: nobody
    writes into a run folder again, and what is read is pinned by the ETag that it has now.
    """
    if len(location) > LONGEST_URL or any(char < " " for char in location):
        return None  # urlsplit would leave control characters out
    try:
        _, path = container_and_prefix(location)
        parts = [unquote(part, errors="strict") for part in path.split("/")]
    except ValueError:
        return None
    name = "/".join(parts)
    is_plain = len(name) <= LONGEST and is_name(name) and not any("/" in part for part in parts)
    return name if is_plain and urlsplit(location).scheme in ("https", "http") else None


def segment_folder(folder: str) -> str:
    """The folder of a segment's run folders, from one of them; any other folder as it is."""
    found = _RUN.fullmatch(folder)
    return (found["segment"] or "") if found else folder


def run_time(folder: str) -> str:
    """A run folder's yyyyMMddHHmm; zeros where it is none."""
    found = _RUN.fullmatch(folder)
    return "".join(found.groups()[1:]) if found else NO_RUN


def natural_order(name: str) -> list[str | int]:
    """A key that sorts names by the numbers in them: Gold_2.csv before Gold_10.csv."""
    return [int(part) if place % 2 else part for place, part in enumerate(_NUMBER.split(name))]
