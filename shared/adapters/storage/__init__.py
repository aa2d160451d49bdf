"""Where files lie: a folder of this machine, or a container of Azure Blob Storage."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.adapters.storage.store import Store
from shared.errors import InvalidSettings
from shared.settings import LOOPBACK

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

# The same for everybody, and worth nothing outside an emulator:
# https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
EMULATOR_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def open_store(url: str, credential: "TokenCredential | None" = None) -> Store:
    """The store at `file:<folder>`, `https://<account>/<container>[/<prefix>]`, or an emulator's http URL.

    Azure is asked as `credential`, else as the identity of this process. Raises InvalidSettings.
    """
    if url.startswith("file:"):
        from shared.adapters.storage.folder import FolderStore

        return FolderStore(Path(url.removeprefix("file:")))
    # Azure's libraries take a second to load: with folders only, nobody has to wait for them.
    from azure.core.credentials import AzureNamedKeyCredential

    from shared.adapters.credential import azure_credential
    from shared.adapters.storage.blobs import BlobStore

    parts = urlsplit(url)
    if parts.scheme == "https":
        return BlobStore(url, credential or azure_credential())
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        account = parts.path.strip("/").partition("/")[0]
        return BlobStore(url, AzureNamedKeyCredential(account, EMULATOR_KEY))
    raise InvalidSettings("A store is file:<folder>, or an https URL (http is for loopback only).")
