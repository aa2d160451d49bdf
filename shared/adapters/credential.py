"""This process's identity in Azure."""

import os
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.errors import InvalidSettings
from shared.settings import LOOPBACK

if TYPE_CHECKING:
    from azure.core.credentials import AzureNamedKeyCredential, TokenCredential

# Public, the same for everybody, and useless outside an emulator:
# https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
EMULATOR_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@cache
def azure_credential() -> "TokenCredential":
    """The single credential of this process, so storage and vault share its tokens.

    In Azure it is the managed identity that AZURE_CLIENT_ID names; elsewhere, the signed-in user.
    """
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(managed_identity_client_id=os.environ.get("AZURE_CLIENT_ID") or None)


def storage_credential(url: str) -> "TokenCredential | AzureNamedKeyCredential":
    """The credential for a storage account: this process's identity, or an emulator's key for its http URL.

    Raises InvalidSettings.
    """
    from azure.core.credentials import AzureNamedKeyCredential

    parts = urlsplit(url)
    if parts.scheme == "https":
        return azure_credential()
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return AzureNamedKeyCredential(parts.path.strip("/").partition("/")[0], EMULATOR_KEY)
    raise InvalidSettings("A store is file:<folder>, or an https URL (http is for loopback only).")
