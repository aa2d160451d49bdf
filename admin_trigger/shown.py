"""Types for the API's description, of requests and replies of the administration that have no other type."""

from datetime import datetime
from typing import NotRequired, TypedDict

from shared.catalog.attributes import Attributes
from shared.catalog.connection import Consent, PinnedAccount, Sharing
from shared.catalog.export import Alerts, Condition, EmailConsent, Limits, Match, Schedule, Sync


class ShownConnection(TypedDict):
    """A connection: the whole document for administrators; its id, name and state for others.

    A new connection with OAuth also has the address to sign in at.
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
    """The members that people may change. The app's own members may be included if they are unchanged."""

    display_name: NotRequired[str]
    shared_with: NotRequired[Sharing]
    paused: NotRequired[bool]


class NotChecked(TypedDict):
    """A member that could not be checked, and why."""

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
    """The exports that no longer have a connection."""

    exports: list[Named]


class Me(TypedDict):
    """The caller, and the actions that their role may do."""

    name: str
    object_id: str
    role: str
    may: list[str]


class TickedRun(TypedDict):
    id: str
    export: str
    status: str


class Ticked(TypedDict):
    """The runs that were advanced, or handed to workers; the number of accounts for which a worker was
    requested; the number of runs left, open or to be opened; and when one of them can continue, or null if
    none can on its own.
    """

    runs: list[TickedRun]
    accounts: int
    left: int
    due_at: datetime | None
