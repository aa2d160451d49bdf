"""Request bodies of the administration, in addition to whole documents."""

from typing import Annotated

from pydantic import AfterValidator, Field

from shared.administration.documents import LONGEST_NAME
from shared.catalog.document import Document, Id, Text


def _printable(text: str) -> str:
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise ValueError(f"must have at most {LONGEST_NAME} printable characters")
    return text


type Name = Annotated[Text, AfterValidator(_printable)]


class KeyBody(Document):
    """A new key to the connection's account."""

    api_key: Text = Field(repr=False)


class ListBody(Document):
    """The name of a list to create."""

    name: Name


class DuplicateBody(Document):
    """The id and name of the copy; the default id is the export's with `-copy`."""

    id: Id | None = None
    display_name: Name | None = None


class AttachBody(Document):
    """The connection to attach to the export."""

    connection: Id
