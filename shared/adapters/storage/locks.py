"""Locks on files by flock(2): the system releases them when their holder dies, for whatever reason."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import AlreadyRunning, LeaseLost, StorageUnavailable

# Seconds after which waiting for a lock is given up, as for a store that hangs.
PATIENCE = 10.0
# Seconds between attempts: the first pause, which doubles up to the longest.
PAUSES = (0.001, 0.02)


class FolderLease:
    """A Lease that is an flock on a file, which is created once, and never replaced or removed.

    Two of them also conflict within a process, since each opens the file separately. A paused holder keeps
    its lock until it ends or releases it.
    """

    def __init__(self, name: str, lock_file: Path) -> None:
        """Acquires the lock for the blob `name`. Raises AlreadyRunning if another holds it."""
        self.name = name
        self.lock_file = lock_file
        self._descriptor = _open(lock_file)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise AlreadyRunning(f"{name} is locked by another process.") from None

    def renew(self) -> None:
        """Raises LeaseLost after a release, or if the file was removed or replaced."""
        try:
            held = os.path.samestat(os.fstat(self._descriptor), self.lock_file.stat())
        except OSError:
            held = False
        if not held:
            raise LeaseLost(f"The lock on {self.name} was lost.")

    def release(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor != -1:
            os.close(descriptor)


@contextmanager
def exclusive(lock_file: Path) -> Iterator[None]:
    """Waits for the lock, at most 10 seconds (StorageUnavailable), and holds it during the block.

    A folder itself can be locked, too.
    """
    descriptor = os.open(lock_file, os.O_RDONLY) if lock_file.is_dir() else _open(lock_file)
    try:
        _wait_for(descriptor)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int) -> None:
    """Acquires the lock by repeated attempts, since flock has no timeout."""
    pause, longest = PAUSES
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= ends:
                raise StorageUnavailable(
                    f"The folder is locked: another writer has held it for {PATIENCE:g} seconds. "
                    "End the process if it hangs."
                ) from None
        time.sleep(pause)
        pause = min(2 * pause, longest)


def is_held(lock_file: Path) -> bool:
    """Whether any process, including this one, has a FolderLease on the file."""
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
