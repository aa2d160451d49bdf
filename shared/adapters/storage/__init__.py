"""Stores of files: a folder of this machine, or a container of Azure Blob Storage."""

from typing import TYPE_CHECKING

from shared.adapters.storage.store import Store
from shared.settings import folder_of

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


def open_store(url: str, credential: "TokenCredential | None" = None) -> Store:
    """The store at `file:<folder>`, `https://<account>/<container>[/<prefix>]`, or an emulator's http URL.

    For Azure, uses `credential`, else the identity of this process. Raises InvalidSettings.
    """
    if (folder := folder_of(url)) is not None:
        from shared.adapters.storage.folder import FolderStore

        return FolderStore(folder)
    # Azure's libraries take a second to load: users of folders need not wait for them.
    from shared.adapters.credential import storage_credential
    from shared.adapters.storage.blobs import BlobStore

    return BlobStore(url, credential or storage_credential(url))
