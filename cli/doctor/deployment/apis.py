"""The two APIs that are read, as the signed-in user."""

from collections.abc import Callable

from cli.doctor.deployment.azure import SIGN_IN, Azure, Unseen
from shared.adapters.azure_errors import azure_errors
from shared.adapters.clock import Clock, Deadline
from shared.adapters.credential import azure_credential
from shared.adapters.patience import Patience
from shared.errors import ExportError, TryLater

# Seconds for all requests to an API, and for a token: the Azure CLI, which might provide it, starts slowly.
WHOLE = 120.0
TOKEN_PATIENCE = 60.0


def open_apis(resource_manager: str, graph: str, clock: Clock) -> tuple[Azure, Azure]:
    """Azure Resource Manager and Microsoft Graph at their addresses. Close both."""
    reader, directory_reader = (
        "someone with the role Reader on it",
        "someone who may read Entra's applications",
    )
    return (
        Azure(resource_manager, _token(resource_manager), Deadline(clock, WHOLE), reader),
        Azure(graph, _token(graph), Deadline(clock, WHOLE), directory_reader),
    )


def _token(url: str) -> Callable[[], str]:
    """The signed-in user's token for the API at this address; requested only once, even if that fails."""
    patience = Patience(TOKEN_PATIENCE, 1, lambda: TryLater("no token within a minute"))
    known: list[str | Unseen] = []

    def ask() -> str:
        with azure_errors("The sign-in"):
            return azure_credential().get_token(f"{url}/.default").token

    def token() -> str:
        if not known:
            try:
                known.append(patience.wait_for(ask))
            except ExportError as error:
                known.append(Unseen(error.message, SIGN_IN))
        if isinstance(known[0], Unseen):
            raise known[0]
        return known[0]

    return token
