"""Serves the app with the demo's state, until Ctrl-C."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.servers import APP, play_role
from cli.terminal.output import print_line
from shared.administration.rights import Role
from shared.settings import Settings

if TYPE_CHECKING:
    from sandbox.functions_host import FunctionsHost

# Settings of the user that the demo does not use: their queue, vault and webhook.
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
    """Acts as a signed-in administrator. Call it in the main thread, once per process."""
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
    os.environ.update(PUBLIC_URL=url)  # a sign-in at Klaviyo redirects to it
    yield ""
    yield f"Open {url}/ in a browser. You are an administrator there. Ctrl-C ends the demo."
