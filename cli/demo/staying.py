"""Serves the app over the demo's state, until Ctrl-C."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.servers import APP, play_role
from cli.terminal.output import print_line
from shared.administration.rights import Role
from shared.settings import Settings

if TYPE_CHECKING:
    from sandbox.functions_host import FunctionsHost

# Of whoever types the command: neither a queue, a vault nor a webhook of theirs has a part in the demo.
NOT_THEIRS = (
    "EXPORTS_PAUSED",
    "HTTP_TIME_BUDGET",
    "KEY_VAULT_URL",
    "NOTIFY_SECRET",
    "QUEUE_URL",
    "TIMER_TIME_BUDGET",
    "WEBSITE_HOSTNAME",
)


def stay(settings: Settings, port: int) -> None:
    """Plays an administrator who has signed in. Call it in the main thread, and once in a process."""
    from sandbox.functions_host import serve

    os.environ |= dict.fromkeys(NOT_THEIRS, "") | {
        "AUTH": "local",
        "EXPORT_SCHEDULE": "0 * * * * *",
        "KLAVIYO_CLIENT_ID": "sandbox-app",
        "KLAVIYO_URL": settings.klaviyo_url,
        "SECRETS_FILE": str(settings.secrets_file),
        "SEGMENTS_URL": settings.segments_url,
        "STATE_URL": settings.state_url,
    }
    play_role(Role.ADMINISTRATOR)
    serve(APP, port, "local", print_line, _invite)


def _invite(_: "FunctionsHost", url: str) -> Iterator[str]:
    os.environ.update(PUBLIC_URL=url)  # to which a sign-in at Klaviyo leads back
    yield ""
    yield f"Open {url}/ in a browser: you are an administrator there. Ctrl-C ends the demo."
