"""The services that a process is wired from, and how it opens a Klaviyo account."""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Protocol, Self

from shared.adapters.clock import Clock, Deadline, SystemClock
from shared.adapters.queue import Queue, open_queue
from shared.adapters.storage import open_store
from shared.adapters.storage.store import BlobInfo, Store
from shared.adapters.vault import Vault, open_vault
from shared.catalog import Catalog, Connection, Export, Listed, PinnedAccount
from shared.errors import Denied, InvalidSettings, NotFound, PermanentError
from shared.klaviyo import CLIENT_SECRET, Credential, Klaviyo, KlaviyoApi, StoredPauses
from shared.segments import Segments, Snapshot
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.klaviyo.oauth import OAuthApp


class SegmentSource(Protocol):
    """The source of segments."""

    def newest(self, segment: str) -> Snapshot:
        """The newest complete snapshot of the segment. Raises NotFound, InvalidSegment."""

    def versions(self, segments: Iterable[str]) -> dict[str, str]:
        """The versions of these segments' newest complete snapshots; leaves out those that `newest` refuses.

        One call for all segments reads each model.json once; a call per segment reads all of them each time.
        """


class DocumentSource(Protocol):
    """The source of the documents of exports and connections."""

    def export(self, export_id: str) -> Export:
        """The export. Raises NotFound, InvalidDocument."""

    def connection(self, connection_id: str | None) -> Connection:
        """The connection; a detached export has None. Raises NotFound, InvalidDocument."""

    def connections(self) -> Iterator[Connection | PermanentError]:
        """Every connection, or what is wrong with it."""

    def connection_to(self, account_id: str) -> Connection | None:
        """A connection to this Klaviyo account, if there is one."""

    def exports(self) -> Iterator[Listed]:
        """Every export."""

    def entries(self) -> Iterator[BlobInfo]:
        """The blobs of the exports, in the order of their names."""

    def listed(self, blob: BlobInfo) -> Listed | None:
        """The export of an entry, or what is wrong with it; None if it no longer exists."""

    def pin_account(self, connection: Connection, account: PinnedAccount) -> None:
        """Stores the account of a connection that has none."""

    def mark_revoked(self, connection: Connection) -> None:
        """Records that Klaviyo no longer accepts the connection's sign-in."""


@dataclass(frozen=True)
class Services:
    """The stores, the vault, Klaviyo, the clock, and the queue of work, if any.

    `looks` is the process's memory, in the clock's monotonic seconds: by export, when it last checked whether
    a cause had been fixed; by `state.TICK`, when it last recorded a tick.
    """

    settings: Settings
    segment_store: Store
    segments: SegmentSource
    state: Store
    catalog: DocumentSource
    vault: Vault
    klaviyo: KlaviyoApi
    clock: Clock
    queue: Queue | None = None
    looks: dict[str, float] = field(default_factory=dict, compare=False)

    @classmethod
    def from_settings(cls, settings: Settings, clock: Clock | None = None) -> "Services":
        """Raises InvalidSettings."""
        clock = clock or SystemClock()
        segment_store = open_store(settings.segments_url)
        state = open_store(settings.state_url)
        return cls(
            settings=settings,
            segment_store=segment_store,
            segments=Segments(segment_store, settings.segments_prefix),
            state=state,
            catalog=Catalog(state),
            vault=open_vault(settings),
            klaviyo=KlaviyoApi(settings.klaviyo_url, clock),
            clock=clock,
            queue=open_queue(settings.queue_url) if settings.queue_url else None,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.klaviyo.close()


_building = threading.Lock()


_built = cache(Services.from_settings)


def process_services() -> Services:
    """The services of this process, from its environment: one set, so that all calls share the same limits.

    Raises InvalidSettings.
    """
    with _building:
        return _built(Settings.from_environment())


def open_account(services: Services, connection: Connection, deadline: Deadline) -> Klaviyo:
    """A client for the connection's account, with the key or the tokens from the vault.

    Raises Denied if the key opens another account than the connection's (data for one company must not reach
    another), if nobody has signed in, or if the sign-in has ended.
    """
    klaviyo = services.klaviyo.sign_in(
        _credential(services, connection),
        deadline,
        account_id=connection.account.id if connection.account else None,
        pauses=StoredPauses(services.state, services.clock),
    )
    account = klaviyo.account
    if connection.account is not None and connection.account.id != account.id:
        raise Denied(
            f"The API key of the connection {connection.id!r} opens the Klaviyo account {account.id}, not "
            f"the connection's {connection.account.id}. Put the right key into the vault, or create a "
            "connection for the other account.",
            code="wrong_account",
        )
    return klaviyo


def oauth_app(services: Services) -> "OAuthApp":
    """The OAuth app of the settings. Raises InvalidSettings, NotFound, Denied, VaultUnavailable."""
    client_id = services.settings.klaviyo_client_id
    if client_id is None:
        raise InvalidSettings("KLAVIYO_CLIENT_ID is not set: it is the id of this app at Klaviyo.")
    return services.klaviyo.oauth(client_id, services.vault.secret(CLIENT_SECRET))


def _credential(services: Services, connection: Connection) -> str | Credential:
    if connection.sign_in == "api_key":
        try:
            return services.vault.secret(connection.secret_name)
        except PermanentError as error:
            # Everyone who can see a run reads this. The key's place is only for those who can run `doctor`.
            kind = NotFound if isinstance(error, NotFound) else Denied
            raise kind(
                f"The key of the connection {connection.id!r} can't be read from the vault: "
                "segment-export doctor shows why.",
                code=error.code,
            ) from None
    from shared.klaviyo.tokens import StoredToken, sign_in_revoked

    if connection.account is None:
        raise Denied(
            f"Nobody has signed in at Klaviyo for the connection {connection.id!r} yet: "
            f"segment-export connections sign-in {connection.id}.",
            code="not_connected",
        )
    if connection.revoked:
        raise sign_in_revoked(connection.id)
    return StoredToken(
        connection.id,
        connection.secret_name,
        services.vault,
        services.state,
        services.clock,
        partial(oauth_app, services),
        partial(services.catalog.mark_revoked, connection),
    )
