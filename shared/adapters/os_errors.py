"""Translates OSErrors into our errors."""

import errno

from shared.adapters.translation import Translation
from shared.errors import Denied, ExportError, InvalidRequest, NotFound, StorageUnavailable, TryLater

_MISSING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR})
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
# A file in place of a folder, a name that the file system can't store: a retry is no use.
_UNFIT = frozenset({errno.EEXIST, errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.ELOOP})


def os_errors(subject: str, unavailable: type[TryLater] = StorageUnavailable) -> Translation:
    """Turns an OSError of the block into an ExportError about `subject`."""
    return Translation(OSError, lambda error: translated(error, subject, unavailable))


def translated(error: OSError, subject: str, unavailable: type[TryLater] = StorageUnavailable) -> ExportError:
    """The error for the caller; it shows only the name of the errno."""
    if error.errno in _MISSING:
        return NotFound(f"{subject} does not exist.")
    cause = errno.errorcode.get(error.errno or 0, "unknown error")
    if error.errno in _DENIED:
        return Denied(f"{subject}: the system denies access ({cause}). Check its owner and mode.")
    if error.errno in _UNFIT:
        return InvalidRequest(f"{subject} can't be a file here ({cause}).")
    return unavailable(f"{subject} can't be used now ({cause}).")
