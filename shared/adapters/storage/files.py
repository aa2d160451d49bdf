"""Files that appear complete: written next to their place, stamped, then renamed."""

import errno
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp

# Errors of file systems that can't sync folders.
_NOT_SYNCED = (errno.EINVAL, errno.ENOTSUP)
_MOST_ATTEMPTS = 10


def etag_of(status: os.stat_result) -> str:
    """The version of a file: a different time, inode or size is a different version."""
    return f"{status.st_mtime_ns:x}-{status.st_ino:x}-{status.st_size:x}"


def make_folder(folder: Path) -> None:
    """Creates the folder and its parents, accessible only to the owner (mkdir's own parents would not be)."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync(folder.parent)


def remove_empty_folders(folder: Path, root: Path) -> None:
    """Removes the folder and those above it, up to the root, for as long as they are empty."""
    while folder != root:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def sync(path: Path) -> None:
    """Returns once a file, or the names in a folder, would survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_SYNCED:
            raise
    finally:
        os.close(descriptor)


def _temporary_file(folder: Path) -> tuple[int, str]:
    """A new hidden file in the folder, which another process may remove while it is empty."""
    for _ in range(_MOST_ATTEMPTS):
        with suppress(FileNotFoundError):
            make_folder(folder)
            return mkstemp(dir=folder, prefix=".", suffix=".tmp")
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))


@contextmanager
def spooled(path: Path, content: bytes | Iterable[bytes]) -> Iterator[tuple[Path, str]]:
    """A hidden file next to `path` with the content, and the ETag that it keeps through a rename."""
    descriptor, name = _temporary_file(path.parent)
    with os.fdopen(descriptor, "wb") as file:
        temporary = Path(name)
        try:
            file.writelines((content,) if isinstance(content, bytes) else content)
            file.close()
            # The kernel's own stamp would be the same for two writes within a tick.
            now = time.time_ns()
            os.utime(temporary, ns=(now, now))
            yield temporary, etag_of(temporary.stat())
        finally:
            temporary.unlink(missing_ok=True)
