"""Translates errors of libraries into ours."""

from collections.abc import Callable
from types import TracebackType

from shared.errors import ExportError


class Translation:
    """A block whose errors of these kinds are translated.

    Not a generator with @contextmanager: an error that passes through one refers to itself, and so keeps its
    callers' objects (such as a batch) alive until the garbage collector runs.
    """

    def __init__[E: BaseException](
        self, kinds: type[E] | tuple[type[E], ...], translated: Callable[[E], ExportError]
    ) -> None:
        self._kinds = kinds
        self._translated = translated

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        if isinstance(error, self._kinds):
            raise self._translated(error) from None
