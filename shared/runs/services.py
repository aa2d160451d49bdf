"""Everything a run stands on, wired once for a process."""

import threading
from dataclasses import dataclass
from functools import cache
from typing import Self

from shared.adapters.clock import Clock, SystemClock
from shared.adapters.storage import open_store
from shared.adapters.storage.store import Store
from shared.adapters.vault import Vault, open_vault
from shared.catalog import Catalog
from shared.klaviyo import KlaviyoApi
from shared.segments import Segments
from shared.settings import Settings


@dataclass(frozen=True)
class Services:
    """The stores, the vault, Klaviyo, and the clock; tests put their own in."""

    settings: Settings
    segment_store: Store
    segments: Segments
    state: Store
    catalog: Catalog
    vault: Vault
    klaviyo: KlaviyoApi
    clock: Clock

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
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.klaviyo.close()


_building = threading.Lock()


_built = cache(Services.from_settings)


def process_services() -> Services:
    """The services of this process, from its environment: one set, so that limits are kept in one place.

    Raises InvalidSettings.
    """
    with _building:
        return _built(Settings.from_environment())
