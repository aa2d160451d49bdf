"""Files with secrets, which only their owner can read."""

import errno
import os
from pathlib import Path
from stat import S_ISREG, S_ISVTX, S_IWGRP, S_IWOTH

from shared.errors import InvalidSettings


def check_folder(folder: Path) -> None:
    """Raises InvalidSettings if others could replace files in the folder; OSError."""
    mode = folder.stat().st_mode
    if mode & (S_IWGRP | S_IWOTH) and not mode & S_ISVTX:
        raise InvalidSettings(f"Others can replace files in {folder.absolute()}: run `chmod go-w {folder}`.")


def read_private(path: Path, most: int) -> bytes:
    """The content of a file of at most `most` bytes that nobody else can read, write or replace.

    The check is of the opened file, not of the file that is at the path by then. Raises InvalidSettings,
    which says what to do; OSError.
    """
    check_folder(path.parent)
    try:
        # O_NONBLOCK: does not wait for a pipe's writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InvalidSettings(
                f"{path} is a symbolic link: put the file itself there, or set SECRETS_FILE to where it is."
            ) from None
        if error.errno in (errno.ENXIO, errno.ENODEV, errno.EOPNOTSUPP):  # a socket, or a missing device
            raise _irregular(path) from None
        raise
    try:
        _check(path, os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise InvalidSettings(f"{path} has more than {most:,} bytes: it can't be the secrets file.")
    return content


def _check(path: Path, status: os.stat_result) -> None:
    if not S_ISREG(status.st_mode):
        raise _irregular(path)
    if status.st_uid != os.geteuid():
        raise InvalidSettings(
            f"{path} belongs to another user: run this as that user, or create your own file."
        )
    if status.st_mode & 0o077:
        raise InvalidSettings(f"Others can read {path}: run `chmod 600 {path}`.")


def _irregular(path: Path) -> InvalidSettings:
    return InvalidSettings(f"{path} is not a regular file: put one there, or set SECRETS_FILE to one.")
