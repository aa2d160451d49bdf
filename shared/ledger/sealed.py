"""Files of a header, a content and a checksum, which detects every change."""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import chain

from pydantic import BaseModel

from shared.errors import NewerVersion

VERSION = 1
_CHECKSUM = 16
_CHUNK = 4 * 1024 * 1024


class _Versioned(BaseModel):
    version: int


def sealed(header: BaseModel, content: bytes) -> Iterator[bytes]:
    """The file, in chunks: the header as a line of JSON, the content, the checksum of both."""
    checksum = blake2b(digest_size=_CHECKSUM)
    chunks = (content[start : start + _CHUNK] for start in range(0, len(content), _CHUNK))
    for piece in chain((header.model_dump_json().encode() + b"\n",), chunks):  # one chunk in memory at a time
        checksum.update(piece)
        yield piece
    yield checksum.digest()


def unsealed[Header: BaseModel](name: str, file: bytes, kind: type[Header]) -> tuple[Header, bytes]:
    """The header and the content. Raises ValueError if the file is damaged; NewerVersion."""
    checksum = blake2b(memoryview(file)[:-_CHECKSUM], digest_size=_CHECKSUM).digest()
    if checksum != file[-_CHECKSUM:]:
        raise ValueError("the checksum differs")
    end = file.index(b"\n")
    if _Versioned.model_validate_json(file[:end]).version > VERSION:
        raise NewerVersion(name)
    return kind.model_validate_json(file[:end]), file[end + 1 : -_CHECKSUM]
