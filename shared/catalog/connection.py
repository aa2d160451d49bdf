"""The document of a connection: where data may go, and who agreed to it."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Discriminator, Field, Tag

from shared.catalog.document import AS_LIST, AS_TEXT, SECRET_NAME_PATTERN, Document, Id, Text, Version, tag


class Consent(Document):
    """Who agreed that the connection's data is sent to Klaviyo, and when.

    `object_id` identifies the person in Microsoft Entra; `text_digest` is the SHA-256 of the text agreed to.
    """

    accepted_by: Text
    accepted_at: AwareDatetime
    object_id: str = ""
    text_digest: str = ""


class PinnedAccount(Document):
    """The Klaviyo account that a connection belongs to; pinned at first use."""

    id: Text
    name: str = ""


type Sharing = Annotated[
    Annotated[Literal["administrators", "contributors"], Tag(AS_TEXT)]
    | Annotated[tuple[Text, ...], Field(min_length=1), Tag(AS_LIST)],
    Discriminator(
        tag,
        custom_error_type="sharing",
        custom_error_message="must be 'administrators', 'contributors' or a list of object ids",
    ),
]
"""Who may use a connection: only administrators, all contributors, or the people, applications and groups in
a list, each by its object id in Microsoft Entra. A name in the list matches nobody."""


class Connection(Document):
    """Where data may go. The API key, or with OAuth the tokens, are in the vault under `secret_name`.

    `revoked`: Klaviyo no longer accepts the sign-in.
    """

    version: Version = 1
    id: Id
    display_name: str = ""
    type: Literal["klaviyo"] = "klaviyo"
    sign_in: Literal["api_key", "oauth"] = "api_key"
    secret_name: Annotated[str, Field(pattern=SECRET_NAME_PATTERN)]
    shared_with: Sharing = "administrators"
    export_user: str = ""
    consent: Consent
    account: PinnedAccount | None = None
    revoked: bool = False
    paused: bool = False
    created_at: AwareDatetime | None = None
    created_by: str = ""
    updated_at: AwareDatetime | None = None
    updated_by: str = ""
