"""The finding of one check."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.administration.checkup import fixes
from shared.errors import ExportError


@dataclass(frozen=True, slots=True)
class Finding:
    """What was checked, and the result; `fix` is what to do, and is blank if nothing is wrong.

    With `warning`, it may be intended, or may resolve by itself.
    """

    name: str
    message: str
    fix: str = ""
    warning: bool = False


def check(name: str, look: Callable[[], str], place: Mapping[str, str]) -> Finding:
    """The finding of `look`; `place` has the fixes that depend on where an error occurred."""
    try:
        return Finding(name, look())
    except ExportError as error:
        return failed(name, error, place)


def failed(name: str, error: ExportError, place: Mapping[str, str]) -> Finding:
    """The finding of a check that ended in an error."""
    return Finding(name, f"{error.message} ({error.code})", fixes.fix_of(error, place))


def too_far_ahead(name: str, times: Iterable[tuple[str, datetime]]) -> Finding:
    """The finding of stored times that are ignored: a warning, since nothing has to be fixed."""
    listed = "; ".join(f"{what} is at {time:%Y-%m-%d %H:%M} UTC" for what, time in times)
    return Finding(
        name, f"{listed}. This is too far in the future and is ignored.", fixes.AHEAD, warning=True
    )
