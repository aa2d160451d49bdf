"""Who we are to Azure."""

import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


@cache
def azure_credential() -> "TokenCredential":
    """The one credential of this process, so that storage and vault share its tokens.

    In Azure it is the managed identity that AZURE_CLIENT_ID names, elsewhere who is signed in.
    """
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(managed_identity_client_id=os.environ.get("AZURE_CLIENT_ID") or None)
