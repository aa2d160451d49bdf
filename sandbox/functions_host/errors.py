"""Errors that prevent the host from starting."""

from shared.errors import PermanentError


class HostError(PermanentError):
    """The function app, its host.json or the host's own settings are not valid."""

    code = "functions_host"
