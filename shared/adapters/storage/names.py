"""The names and metadata that both stores accept, so code that works with a folder works with blobs."""

import re
from collections.abc import Mapping

from shared.errors import InvalidDocument, InvalidRequest, Problem

# No empty, hidden, `.` or `..` segment, no lock file, backslash, control character or lone surrogate.
_SEGMENT = re.compile(r"(?!\.)(?!.*\.lock\Z)[^/\\\x00-\x1f\x7f\ud800-\udfff]+")
# Metadata is sent in HTTP headers: names are identifiers, values lose white space at their ends.
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")


def is_name(name: str) -> bool:
    """Whether `name` is valid for a blob or a folder: others never appear in a listing."""
    return all(_SEGMENT.fullmatch(segment) for segment in name.split("/"))


def check_name(name: str) -> None:
    """Raises InvalidRequest if the name is not valid."""
    if not is_name(name):
        raise InvalidRequest(f"{name!r} can't be the name of a blob.")


def check_prefix(prefix: str) -> None:
    """Raises InvalidRequest if the folders of a prefix are not valid names."""
    folder, slash, _ = prefix.rpartition("/")
    if slash:
        check_name(folder)


def check_size(name: str, size: int, most: int | None) -> None:
    """Raises InvalidDocument if a blob has more bytes than its reader allows."""
    if most is not None and size > most:
        raise InvalidDocument(name, [Problem("", f"must have {most:,} bytes at most")])


def check_metadata(metadata: Mapping[str, str]) -> None:
    """Raises InvalidRequest, naming the key, if metadata would not be returned unchanged."""
    for key, value in metadata.items():
        if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
            raise InvalidRequest(f"The metadata {key!r} must be printable ASCII under a lower-case name.")
