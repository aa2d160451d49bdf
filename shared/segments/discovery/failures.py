"""Errors that are stored until a caller needs the failed part."""

from dataclasses import dataclass

from shared.errors import InvalidSegment, PermanentError


def invalid_model(message: str) -> InvalidSegment:
    return InvalidSegment(message, code="invalid_model")


@dataclass(frozen=True, slots=True)
class Failure:
    """The parts of an error, from which a new one is raised at each request.

    The error itself would grow its traceback with each raise, and keep the frames in it alive.
    """

    kind: type[PermanentError]
    message: str
    code: str

    @classmethod
    def of(cls, error: PermanentError) -> "Failure":
        return cls(type(error), error.message, error.code)

    def error(self) -> PermanentError:
        return self.kind(self.message, code=self.code)
