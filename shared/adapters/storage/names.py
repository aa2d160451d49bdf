"""Which names and metadata both stores take, so that what works in a folder works in blobs."""

import re
from collections.abc import Mapping

from shared.errors import InvalidDocument, InvalidRequest, Problem

# No empty, hidden, `.` or `..` segment, no lock file, no backslash, no control or half a character.
_SEGMENT = re.compile(r"(?!\.)(?!.*\.lock\Z)[^/\\\x00-\x1f\x7f\ud800-\udfff]+")
# Metadata travels in HTTP headers: names are identifiers, values lose white space at their ends.
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")


def is_name(name: str) -> bool:
    """Whether `name` can be a blob's or a folder's: what isn't never shows in a listing."""
    return all(_SEGMENT.fullmatch(segment) for segment in name.split("/"))


def check_name(name: str) -> None:
    """Raises InvalidRequest for a name that no store takes."""
    if not is_name(name):
        raise InvalidRequest(f"{name!r} can't be the name of a blob.")


def check_prefix(prefix: str) -> None:
    """Raises InvalidRequest where the folders of a prefix can't be names."""
    folder, slash, _ = prefix.rpartition("/")
    if slash:
        check_name(folder)


def check_size(name: str, size: int, most: int | None) -> None:
    """Raises InvalidDocument for a blob with more bytes than its reader takes."""
    if most is not None and size > most:
        raise InvalidDocument(name, [Problem("", f"must have {most:,} bytes at most")])


def check_metadata(metadata: Mapping[str, str]) -> None:
    """Raises InvalidRequest, naming the key, for metadata that would not come back as it was."""
    for key, value in metadata.items():
        if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
            raise InvalidRequest(f"The metadata {key!r} must be printable ASCII under a lower-case name.")
