"""What is to be looked at, by name: as far as options, azd's variables or the settings tell."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.settings import LOOPBACK, Settings, container_and_prefix


@dataclass(frozen=True)
class Place:
    """A deployment, made or to be made; None for a name that nobody has told.

    `segments` and `state` are storage accounts, `container` is that of the segments, and `queue` whether
    workers have one. `segments_group` and `vault_group` are where the templates look for the two: None where
    they lie as an earlier deployment left them.
    """

    subscription: str
    group: str | None = None
    location: str | None = None
    segments: str | None = None
    segments_group: str | None = None
    container: str | None = None
    state: str | None = None
    queue: str | None = None
    vault: str | None = None
    vault_group: str | None = None
    app: str | None = None

    @classmethod
    def of(
        cls,
        settings: Settings,
        subscription: str,
        *,
        group: str | None,
        location: str | None,
        segments: str | None,
        segments_group: str | None,
        container: str | None,
        vault: str | None,
        vault_group: str | None,
        app: str | None,
    ) -> "Place":
        """With the settings' addresses for what has no name yet.

        What has a name is a parameter of a deployment, which takes its own group where no other one is told.
        """
        account = _first_label(settings.segments_url)
        if account is not None and segments in (None, account):
            container = container or container_and_prefix(settings.segments_url)[0].rpartition("/")[2]
        return cls(
            subscription=subscription,
            group=group,
            location=location,
            segments=segments or account,
            segments_group=segments_group or (group if segments else None),
            container=container,
            state=_first_label(settings.state_url),
            queue=settings.queue_url.rpartition("/")[2] if settings.queue_url else None,
            vault=vault or _first_label(settings.key_vault_url or ""),
            vault_group=vault_group or (group if vault else None),
            app=app,
        )


def _first_label(url: str) -> str | None:
    """The account or the vault that an address of Azure's belongs to; None for a folder or an emulator."""
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.hostname is None or parts.hostname in LOOPBACK:
        return None
    label = parts.hostname.partition(".")[0]
    return label if re.fullmatch(r"[a-z0-9-]{3,24}", label) else None
