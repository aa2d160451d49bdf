"""Locks on files by flock(2): the system frees them when their holder dies, however it dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import AlreadyRunning, LeaseLost


class FolderLease:
    """A Lease that is an flock on a file which is made once, never replaced and never removed.

    Two of them conflict within a process too, since each opens the file for itself. A paused holder
    keeps its hold: only its end or a release frees it.
    """

    def __init__(self, name: str, lock_file: Path) -> None:
        """Takes the lock for the blob `name`. Raises AlreadyRunning where another holds it."""
        self.name = name
        self.lock_file = lock_file
        self._descriptor = _open(lock_file)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise AlreadyRunning(f"{name} is held by somebody else.") from None

    def renew(self) -> None:
        """Raises LeaseLost after a release, and where the file was taken away under us."""
        try:
            held = os.path.samestat(os.fstat(self._descriptor), self.lock_file.stat())
        except OSError:
            held = False
        if not held:
            raise LeaseLost(f"The hold on {self.name} is gone.")

    def release(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor != -1:
            os.close(descriptor)


@contextmanager
def exclusive(lock_file: Path) -> Iterator[None]:
    """Waits for the lock and holds it for the length of the block."""
    descriptor = _open(lock_file)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def is_held(lock_file: Path) -> bool:
    """Whether anybody, this process included, has a FolderLease on the file."""
    try:
        descriptor = os.open(lock_file, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _open(lock_file: Path) -> int:
    return os.open(lock_file, os.O_RDWR | os.O_CREAT, 0o600)
