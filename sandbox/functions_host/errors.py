"""What goes wrong before the host can serve."""

from shared.errors import PermanentError


class HostError(PermanentError):
    """The function app, its host.json or the host's own settings don't let it start."""

    code = "functions_host"
