"""Errors that are kept until a caller asks for what they are about."""

from dataclasses import dataclass

from shared.errors import InvalidSegment, PermanentError


def invalid_model(message: str) -> InvalidSegment:
    return InvalidSegment(message, code="invalid_model")


@dataclass(frozen=True, slots=True)
class Failure:
    """What an error said, to raise a new one at each request.

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
