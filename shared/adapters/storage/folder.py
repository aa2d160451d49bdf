"""A store in a folder of this machine."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG

from shared.adapters.os_errors import os_errors
from shared.adapters.storage.files import etag_of, make_folder, remove_empty_folders, spooled, sync
from shared.adapters.storage.locks import FolderLease, exclusive, is_held
from shared.adapters.storage.names import check_metadata, check_name, check_prefix, check_size, is_name
from shared.adapters.storage.sidecars import read_metadata, write_metadata
from shared.adapters.storage.store import Blob, BlobInfo, Lease, Level, chunk_sizes
from shared.errors import AlreadyExists, Changed, InvalidRequest, LeaseLost, NotFound, StorageUnavailable


class FolderStore:
    """A Store whose blobs are files, readable by their owner only.

    A file is replaced by a rename, never written in place, and a write that returned survives a power
    failure. A folder is removed with the last blob in it. Metadata is under `.metadata/` and counts only for
    the version that it names. Hidden files and symbolic links are not blobs.
    """

    def __init__(self, folder: Path) -> None:
        self._root = folder.resolve()
        self._root_text = str(self._root)  # creating a Path for each file would slow listings down

    def now(self) -> datetime:
        return datetime.now(UTC)

    def list(self, prefix: str = "", *, page: int | None = None) -> Iterator[BlobInfo]:  # noqa: ARG002
        check_prefix(prefix)
        return self._walk(prefix)

    def level(self, folder: str = "") -> Level:
        prefix = f"{folder}/" if folder else ""
        check_prefix(prefix)
        names = self._entries(prefix)
        # As with blobs, a folder exists only while something is in it.
        folders = (name[:-1] for name in names if name.endswith("/") and any(self._walk(name)))
        blobs = (self._info(name) for name in names if not name.endswith("/"))
        return Level(tuple(folders), tuple(blob for blob in blobs if blob))

    def stat(self, name: str) -> BlobInfo:
        self._path(name)
        if blob := self._info(name):
            return blob
        raise NotFound(f"{name} does not exist.")

    def read(self, name: str, *, most: int | None = None) -> Blob:
        path = self._path(name)
        with os_errors(name), path.open("rb") as file:
            etag = etag_of(os.fstat(file.fileno()))
            content = file.read(-1 if most is None else most + 1)
            check_size(name, len(content), most)
            if etag_of(os.fstat(file.fileno())) != etag:
                raise StorageUnavailable(f"{name} is being rewritten.")
        return Blob(content, etag)

    def stream(self, name: str, *, etag: str, start_small: bool = False) -> Iterator[bytes]:
        path = self._path(name)
        with os_errors(name), path.open("rb", buffering=0) as file:
            for size in chunk_sizes(start_small):
                chunk = file.read(size)
                # The path reveals a replaced file, the open file one that was rewritten in place.
                if not etag_of(path.stat()) == etag == etag_of(os.fstat(file.fileno())):
                    raise Changed(f"{name} is no longer the requested version.")
                if not chunk:
                    return
                yield chunk

    def write(
        self,
        name: str,
        content: bytes | Iterable[bytes],
        *,
        metadata: Mapping[str, str] | None = None,
        create_only: bool = False,
        if_match: str | None = None,
        lease: Lease | None = None,
    ) -> str:
        path = self._path(name)
        check_metadata(metadata or {})
        with os_errors(name):
            with spooled(path, content) as (temporary, etag):
                sync(temporary)
                with self._exclusive():
                    self._check_version(name, create_only, if_match)
                    self._check_lease(name, lease)
                    if metadata:
                        write_metadata(self._sidecar(name), etag, metadata)
                    temporary.replace(path)
            with suppress(FileNotFoundError):  # deleted again, with its folder
                sync(path.parent)
        return etag

    def append(self, name: str, content: bytes) -> None:
        path = self._path(name)
        with os_errors(name), self._exclusive():
            make_folder(path.parent)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "ab") as file:
                file.write(content)
            sync(path)
            sync(path.parent)

    def delete(self, name: str, *, if_match: str | None = None) -> None:
        path = self._path(name)
        with os_errors(name), self._exclusive():
            self._check_lease(name, None)
            if if_match is not None and path.is_file():
                self._check_version(name, create_only=False, if_match=if_match)
            for file in (path, self._sidecar(name)):
                with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                    file.unlink()
                    remove_empty_folders(file.parent, self._root)

    def acquire(self, name: str) -> Lease:
        with os_errors(name), self._exclusive():
            self.stat(name)
            return FolderLease(name, self._lock_file(name))

    def _path(self, name: str) -> Path:
        check_name(name)
        path = self._root_text
        for segment in name.split("/"):
            path = f"{path}/{segment}"
            if os.path.islink(path):  # noqa: PTH114 - each call comes here, and a Path costs more
                raise InvalidRequest(f"{name} contains a symbolic link, which is not followed.")
        return Path(path)

    def _sidecar(self, name: str) -> Path:
        return self._root / ".metadata" / name

    def _lock_file(self, name: str) -> Path:
        return self._root / f"{name.removesuffix('.json')}.lock"

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Makes a check and the following change atomic, across threads and processes."""
        make_folder(self._root)
        with exclusive(self._root / ".lock"):
            yield

    def _walk(self, prefix: str) -> Iterator[BlobInfo]:
        left = [*reversed(self._entries(prefix))]
        while left:
            name = left.pop()
            if name.endswith("/"):
                left += reversed(self._entries(name))
            elif blob := self._info(name):
                yield blob

    def _entries(self, prefix: str) -> Sequence[str]:
        """The full names in the prefix's folder that start with it, in order; a folder's ends in `/`."""
        above, slash, start = prefix.rpartition("/")
        folder = above + slash
        path = self._path(above) if above else self._root
        try:
            with os_errors(folder or "The folder"), os.scandir(path) as entries:
                return sorted(
                    f"{folder}{entry.name}{'/' if entry.is_dir() else ''}"
                    for entry in entries
                    if entry.name.startswith(start) and is_name(entry.name) and not entry.is_symlink()
                )
        except NotFound:
            return []

    def _info(self, name: str) -> BlobInfo | None:
        """The entry of a name that, or whose folder, `_path` has checked; None if it is not a blob."""
        try:
            with os_errors(name):
                status = os.stat(f"{self._root_text}/{name}")  # noqa: PTH116 - a Path costs more than the call
        except NotFound:
            return None
        if not S_ISREG(status.st_mode):
            return None
        etag = etag_of(status)
        modified = datetime.fromtimestamp(status.st_mtime, UTC)
        sidecar = f"{self._root_text}/.metadata/{name}"
        return BlobInfo(name, etag, status.st_size, modified, read_metadata(sidecar, etag))

    def _check_lease(self, name: str, lease: Lease | None) -> None:
        if lease is None:
            if is_held(self._lock_file(name)):
                raise LeaseLost(f"{name} is locked by another process.")
        elif isinstance(lease, FolderLease) and lease.lock_file == self._lock_file(name):
            lease.renew()
        else:
            raise LeaseLost(f"The lease is not for {name}.")

    def _check_version(self, name: str, create_only: bool, if_match: str | None) -> None:
        if self._path(name).is_dir():
            raise InvalidRequest(f"{name} is a folder.")
        current = self._info(name)
        if create_only and current:
            raise AlreadyExists(f"{name} already exists.")
        if if_match is not None and (current is None or current.etag != if_match):
            raise Changed(f"{name} was changed by another process.")
