"""Bodies that the administration takes beside whole documents."""

from typing import Annotated

from pydantic import AfterValidator, Field

from shared.administration.documents import LONGEST_NAME
from shared.catalog.document import Document, Id, Text


def _printable(text: str) -> str:
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise ValueError(f"must have {LONGEST_NAME} printable characters at most")
    return text


type Name = Annotated[Text, AfterValidator(_printable)]


class KeyBody(Document):
    """Another key of the connection's account."""

    api_key: Text = Field(repr=False)


class ListBody(Document):
    """The name of a list to make."""

    name: Name


class DuplicateBody(Document):
    """What the copy is called; without an id, that of the export with `-copy` behind it."""

    id: Id | None = None
    display_name: Name | None = None


class AttachBody(Document):
    """The connection that the export gets."""

    connection: Id
