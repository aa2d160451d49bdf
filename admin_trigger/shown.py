"""What the administration takes and shows where that has no type of its own: for the API's description."""

from datetime import datetime
from typing import NotRequired, TypedDict

from shared.catalog.attributes import Attributes
from shared.catalog.connection import Consent, PinnedAccount, Sharing
from shared.catalog.export import Alerts, Condition, EmailConsent, Limits, Match, Schedule, Sync


class ShownConnection(TypedDict):
    """A connection: the whole document for administrators, else its id, name and state.

    A new one with OAuth has the address to sign in at, too.
    """

    id: str
    display_name: NotRequired[str]
    state: str
    version: NotRequired[int]
    type: NotRequired[str]
    sign_in: NotRequired[str]
    secret_name: NotRequired[str]
    shared_with: NotRequired[Sharing]
    export_user: NotRequired[str]
    consent: NotRequired[Consent]
    account: NotRequired[PinnedAccount | None]
    revoked: NotRequired[bool]
    authorize_url: NotRequired[str]
    paused: NotRequired[bool]
    created_at: NotRequired[str]
    created_by: NotRequired[str]
    updated_at: NotRequired[str]
    updated_by: NotRequired[str]


class ConnectionChange(TypedDict):
    """What people may change of a connection; the app's own members may be there, as they are."""

    display_name: NotRequired[str]
    shared_with: NotRequired[Sharing]
    paused: NotRequired[bool]


class NotChecked(TypedDict):
    """What could not be checked, and why."""

    pointer: str
    message: str


class ShownExport(TypedDict):
    """An export's document, its state, and what could not be checked when it was saved."""

    id: str
    connection: str | None
    segments: list[str]
    list_id: str
    match: Match
    state: str
    not_checked: NotRequired[list[NotChecked]]
    version: NotRequired[int]
    display_name: NotRequired[str]
    attributes: NotRequired[Attributes]
    only_if: NotRequired[Condition | None]
    consent: NotRequired[EmailConsent | None]
    alerts: NotRequired[Alerts | None]
    schedule: NotRequired[Schedule]
    sync: NotRequired[Sync]
    limits: NotRequired[Limits]
    created_at: NotRequired[str]
    created_by: NotRequired[str]
    updated_at: NotRequired[str]
    updated_by: NotRequired[str]


class Named(TypedDict):
    id: str
    display_name: str


class Detached(TypedDict):
    """The exports that have no connection now."""

    exports: list[Named]


class Me(TypedDict):
    """Who is calling, and the actions that this role may do."""

    name: str
    object_id: str
    role: str
    may: list[str]


class TickedRun(TypedDict):
    id: str
    export: str
    status: str


class Ticked(TypedDict):
    """The runs that were moved on, or handed to workers; for how many accounts a worker was asked; how many
    runs are left, open or still to be opened; and when one of them can go on, null where none can by itself.
    """

    runs: list[TickedRun]
    accounts: int
    left: int
    due_at: datetime | None
