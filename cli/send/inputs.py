"""What is given to `send`: files and standard input, each read as CSV in UTF-8."""

import codecs
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Protocol, override

from cli.send.encodings import UTF_8, check_encoding, find_encoding, recoded
from cli.send.marks import without_marks
from cli.send.workbooks import MAGIC, Sheet
from shared.adapters.os_errors import os_errors
from shared.adapters.storage.folder import FolderStore
from shared.adapters.storage.store import CHUNK, BlobInfo, chunk_sizes
from shared.errors import InvalidRequest, InvalidSegment, NotFound
from shared.segments.csv.gunzip import MAGIC as GZIP
from shared.segments.csv.gunzip import InvalidGzip, decompress
from shared.segments.csv.partition_file import MAX_RATIO

STANDARD_INPUT = Path("-")
# UTF-8 takes at most three bytes for a character of any encoding that has one byte for it.
_GROWTH = 3
# Bytes, since a workbook is read into memory.
LARGEST_WORKBOOK = 512 * 1024 * 1024


class Bytes(Protocol):
    """A file as it is."""

    @property
    def info(self) -> BlobInfo:
        """Its name, version, size and time."""

    def chunks(self, *, start_small: bool = False) -> Iterator[bytes]:
        """The bytes, from the start. Raises Changed where they are no longer the first ones."""


@dataclass(frozen=True, slots=True)
class File:
    """A file at a path."""

    store: FolderStore
    info: BlobInfo

    def chunks(self, *, start_small: bool = False) -> Iterator[bytes]:
        return self.store.stream(self.info.name, etag=self.info.etag, start_small=start_small)


class StandardInput:
    """What is piped in, kept in a file without a name, which ends with the process."""

    def __init__(self) -> None:
        self._file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - open as long as the process
        digest = blake2b(digest_size=16)
        with os_errors("standard input"):
            while chunk := sys.stdin.buffer.read(CHUNK):
                digest.update(chunk)
                self._file.write(chunk)
            self._file.flush()
        size = self._file.tell()
        # The same content is the same version: piped in again, it resumes its run.
        self.info = BlobInfo("standard input", digest.hexdigest(), size, datetime.now(UTC))

    def chunks(self, *, start_small: bool = False) -> Iterator[bytes]:
        position = 0
        for size in chunk_sizes(start_small):
            if not (chunk := os.pread(self._file.fileno(), size, position)):
                return
            position += len(chunk)
            yield chunk


@dataclass(frozen=True, slots=True)
class TextInput:
    """CSV in an encoding. `note` is what people should know of how it is read; blank if it is UTF-8."""

    source: Bytes
    info: BlobInfo
    encoding: str = UTF_8
    note: str = ""

    def chunks(self, *, start_small: bool = False) -> Iterator[bytes]:
        chunks = self.source.chunks(start_small=start_small)
        if self.encoding != UTF_8:
            chunks = recoded(chunks, self.encoding, self.info.name)
        return without_marks(chunks)


@dataclass(frozen=True, slots=True)
class SheetInput:
    """A sheet of a workbook, as CSV. `rows` are its rows' numbers in the sheet, the header's first."""

    info: BlobInfo
    content: bytes
    note: str
    rows: Sequence[int]

    def chunks(self, *, start_small: bool = False) -> Iterator[bytes]:
        position = 0
        for size in chunk_sizes(start_small):
            if not (chunk := self.content[position : position + size]):
                return
            position += size
            yield chunk


@dataclass(frozen=True, slots=True)
class CompressedInput:
    """A gzip file, which the reader of CSV unpacks."""

    source: Bytes
    info: BlobInfo
    note: str = ""

    def chunks(self, *, start_small: bool = False) -> Iterator[bytes]:
        return self.source.chunks(start_small=start_small)


type Input = TextInput | SheetInput | CompressedInput


class Inputs(FolderStore):
    """The inputs of one command as the files of a store."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        super().__init__(Path.cwd())
        self._inputs = {each.info.name: each for each in inputs}

    @override
    def stat(self, name: str) -> BlobInfo:
        return self._inputs[name].info

    @override
    def stream(self, name: str, *, etag: str, start_small: bool = False) -> Iterator[bytes]:
        return self._inputs[name].chunks(start_small=start_small)


def open_inputs(paths: Sequence[Path], encoding: str | None) -> list[Input]:
    """The inputs, under names of their own. `encoding` is that of all text files; None finds each one's.

    Raises NotFound, InvalidRequest and InvalidSegment, with the path as typed.
    """
    encoding = encoding and check_encoding(encoding)
    names = [path.name for path in paths]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidRequest(f"Two files are called {twice}. Rename one, or send one after the other.")
    return [_read(_open(path), encoding) for path in paths]


def _open(path: Path) -> Bytes:
    if path == STANDARD_INPUT:
        return StandardInput()
    if path.is_dir():
        raise InvalidRequest(f"{path} is a directory, not a CSV file.", code="unreadable_file")
    whole = path.resolve()
    store = FolderStore(whole.parent)
    try:
        return File(store, store.stat(whole.name))
    except NotFound:
        problem = "is not a regular file" if path.exists() else "does not exist"
        raise NotFound(f"{path} {problem}.") from None
    except InvalidRequest:
        raise InvalidRequest(
            f"The file name {path} is not supported. Rename the file: no dot at the start, "
            "no .lock at the end, no backslash.",
            code="unreadable_file",
        ) from None


def _read(source: Bytes, encoding: str | None) -> Input:
    """By its first bytes: CSV, gzip or a workbook."""
    info, first = source.info, next(source.chunks(start_small=True), b"")
    if first.startswith(MAGIC):
        return _sheet(source)
    if first.startswith(b"%PDF") or (encoding is None and _is_binary(first)):
        raise InvalidSegment(
            f"{info.name} is not text. Save it as CSV UTF-8. If it is text, name its encoding: --encoding.",
            code="invalid_csv",
        )
    if first.startswith(GZIP):
        _check_compressed(source, encoding)
        return CompressedInput(source, info)
    note = ""
    if encoding is None:
        encoding, letters, is_likely = find_encoding(source.chunks())
        if not is_likely:
            raise InvalidSegment(
                f"{info.name} is not in UTF-8 and does not look like Windows-1252. Save it as CSV UTF-8, "
                "or name its encoding: --encoding cp1252 (Western Europe), cp1250 (Central Europe), ….",
                code="unknown_encoding",
            )
        if letters:
            note = (
                f"{info.name} is not in UTF-8, and is read as Windows-1252 (Western Europe): {letters}. "
                "If these are not its letters, name its encoding: --encoding."
            )
    size = info.size if encoding == UTF_8 else info.size * _GROWTH
    return TextInput(source, _sized(info, size), encoding, note)


def _check_compressed(source: Bytes, encoding: str | None) -> None:
    """Raises InvalidSegment if the text is not UTF-8; the reader of CSV reports what else is wrong."""
    most = MAX_RATIO * max(source.info.size, CHUNK)
    with suppress(InvalidGzip):
        if encoding not in (None, UTF_8) or find_encoding(decompress(source.chunks(), most)).name != UTF_8:
            raise InvalidSegment(
                f"{source.info.name} is compressed and not in UTF-8. Decompress it, and send the file.",
                code="invalid_csv",
            )


def _is_binary(beginning: bytes) -> bool:
    """No text of one byte a character has a NUL in its first line; UTF-16 without a mark has."""
    is_marked = beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, GZIP))
    return not is_marked and b"\0" in re.split(rb"[\r\n]", beginning, maxsplit=1)[0]


def _sheet(source: Bytes) -> Input:
    info = source.info
    if info.size > LARGEST_WORKBOOK:
        raise InvalidSegment(
            f"{info.name} is a workbook of more than {LARGEST_WORKBOOK:,} bytes. Save it as CSV UTF-8.",
            code="invalid_csv",
        )
    sheet = Sheet(b"".join(source.chunks()), info.name)
    content = b"".join(sheet.csv())
    others = f", of {sheet.others + 1}," if sheet.others else ""
    first = "first sheet" if sheet.is_first else "first visible sheet with cells"
    note = f"{info.name}: the {first}{others} is read, {sheet.name!r}, with the rows that a filter hides. "
    note += "Cells with an error count as blank."
    return SheetInput(_sized(info, len(content)), content, note, sheet.rows)


def _sized(info: BlobInfo, size: int) -> BlobInfo:
    return BlobInfo(info.name, info.etag, size, info.last_modified)
