"""The errors of this project, by what the caller can do about them. Packages derive their own from these.

ExportError                      has a `code` and a message that is safe to show anywhere
├── PermanentError               a retry is no use until the cause is fixed
│   ├── InvalidSettings          a setting of the environment
│   ├── InvalidDocument          a connection, export, head or secrets file; lists each problem
│   ├── InvalidRequest           a request over the HTTP API or by the command
│   ├── NotFound                 an export, run, connection, segment, column, secret or list does not exist
│   ├── BlobFull                 an append-only blob is full
│   ├── Denied                   a store, vault or Klaviyo denies access
│   └── InvalidSegment           the segment's files can't be read
├── TryLater                     nothing is lost, the same call may succeed later; `retry_after` in seconds
│   ├── StorageUnavailable
│   ├── VaultUnavailable
│   └── KlaviyoUnavailable       unreachable, throttled, or failing; shows whether the request was sent
├── TakenElsewhere               another process got there first: stop, read again, leave the work to it
│   ├── AlreadyRunning           another holder has the lock
│   ├── LeaseLost                the lock is lost
│   ├── NewerVersion             newer code wrote the file, and continues with it
│   ├── AlreadyExists            a create-only write came second
│   └── Changed                  an If-Match write or a pinned read found another ETag
└── BatchRefused                 Klaviyo accepted nothing of a batch; names the profiles if Klaviyo does

A message contains names, codes and numbers, never a value of a row, a response body or a key.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.text import shown

# Characters of a message: names from outside can have any length.
LONGEST_MESSAGE = 8_000
MOST_PROBLEMS = 20


class ExportError(Exception):
    """The root. `code` is stable and documented; the message says what is wrong, where, and what to do."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        self.message = shown(message, LONGEST_MESSAGE)
        super().__init__(self.message)
        if code is not None:
            self.code = code


class PermanentError(ExportError):
    """A retry is no use until the cause is fixed."""


class InvalidSettings(PermanentError):
    code = "invalid_settings"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a document: an RFC 6901 pointer to it and what is expected there."""

    pointer: str
    message: str


class InvalidDocument(PermanentError):
    """`problems` are the first 20, and `more` counts the others."""

    code = "invalid_document"

    def __init__(self, name: str, problems: Sequence[Problem], more: int = 0) -> None:
        self.name = name
        self.problems = tuple(problems[:MOST_PROBLEMS])
        self.more = more + len(problems) - len(self.problems)
        listed = "; ".join(f"{problem.pointer or '/'}: {problem.message}" for problem in self.problems)
        others = f"; and {self.more:,} more" if self.more else ""
        super().__init__(f"{name} is not valid: {listed}{others}")


class InvalidRequest(PermanentError):
    code = "invalid_request"


class NotFound(PermanentError):
    code = "not_found"


class BlobFull(PermanentError):
    code = "blob_full"


class Denied(PermanentError):
    code = "denied"


class InvalidSegment(PermanentError):
    code = "invalid_segment"


class TryLater(ExportError):
    """Nothing is lost; `retry_after` (seconds) is the wait that the other side asked for, if any."""

    def __init__(self, message: str, *, code: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class StorageUnavailable(TryLater):
    code = "storage_unavailable"


class VaultUnavailable(TryLater):
    code = "vault_unavailable"


class KlaviyoUnavailable(TryLater):
    """`sent` is False if the request certainly never arrived, True if the answer is unknown."""

    code = "klaviyo_unavailable"

    def __init__(
        self, message: str, *, code: str | None = None, retry_after: float | None = None, sent: bool = True
    ) -> None:
        super().__init__(message, code=code, retry_after=retry_after)
        self.sent = sent


class TakenElsewhere(ExportError):
    """Another process got there first."""


class AlreadyRunning(TakenElsewhere):
    code = "already_running"


class LeaseLost(TakenElsewhere):
    code = "lease_lost"


class NewerVersion(TakenElsewhere):
    """A file of newer code is left alone: it may mean more than this code can read."""

    code = "newer_version"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"A newer version of segment-export wrote {name}. Update this one, or let the newer version run."
        )


class AlreadyExists(TakenElsewhere):
    code = "already_exists"


class Changed(TakenElsewhere):
    code = "changed"


@dataclass(frozen=True, slots=True)
class RefusedProfile:
    """One profile that a 400 names: its index in the batch, the attribute, and Klaviyo's code."""

    index: int
    attribute: str
    reason: str


class BatchRefused(ExportError):
    """Klaviyo answered 400 and imported nothing; `profiles` names all, some or none of the refused ones."""

    code = "batch_refused"

    def __init__(self, message: str, profiles: Sequence[RefusedProfile] = ()) -> None:
        super().__init__(message)
        self.profiles = tuple(profiles)
