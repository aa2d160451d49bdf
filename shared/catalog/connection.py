"""The document of a connection: where data may go, and who agreed to it."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Discriminator, Field, Tag

from shared.catalog.document import AS_LIST, AS_TEXT, SECRET_NAME_PATTERN, Document, Id, Text, Version, tag


class Consent(Document):
    """Who agreed that the connection's data leaves for Klaviyo, and when."""

    accepted_by: Text
    accepted_at: AwareDatetime


class PinnedAccount(Document):
    """The Klaviyo account that a connection belongs to; pinned at first use."""

    id: Text
    name: str = ""


type Sharing = Annotated[
    Annotated[Literal["administrators"], Tag(AS_TEXT)]
    | Annotated[tuple[Text, ...], Field(min_length=1), Tag(AS_LIST)],
    Discriminator(
        tag,
        custom_error_type="sharing",
        custom_error_message="must be 'administrators' or a list of people and groups",
    ),
]
"""Who may use a connection: administrators alone, or also the people and groups in a list, each by its
object id or user name in Microsoft Entra."""


class Connection(Document):
    """Where data may go. The API key is in the vault, under `secret_name`."""

    version: Version = 1
    id: Id
    display_name: str = ""
    type: Literal["klaviyo"] = "klaviyo"
    secret_name: Annotated[str, Field(pattern=SECRET_NAME_PATTERN)]
    shared_with: Sharing = "administrators"
    export_user: str = ""
    consent: Consent
    account: PinnedAccount | None = None
    paused: bool = False
    created_at: AwareDatetime | None = None
    created_by: str = ""
    updated_at: AwareDatetime | None = None
    updated_by: str = ""
