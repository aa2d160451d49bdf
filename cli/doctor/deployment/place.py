"""The names of the resources to check, from options, azd's variables and the settings."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.settings import LOOPBACK, Settings, container_and_prefix


@dataclass(frozen=True)
class Place:
    """A deployment, existing or planned; a name that was not given is None.

    `segments` and `state` are storage accounts, `container` is the one of the segments, and `queue` the one
    of the workers, if any. `segments_group` and `vault_group` are where the templates look for the two: None
    to keep the groups of an earlier deployment.
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
        """Takes missing names from the addresses in the settings.

        A given name is a parameter of a deployment, which uses its own group if no other group is given.
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
    """The account or vault of an Azure address; None for a folder or an emulator."""
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.hostname is None or parts.hostname in LOOPBACK:
        return None
    label = parts.hostname.partition(".")[0]
    return label if re.fullmatch(r"[a-z0-9-]{3,24}", label) else None
