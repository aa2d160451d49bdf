"""A store in a container of Azure Blob Storage."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from azure.core import MatchConditions
from azure.core.credentials import AzureNamedKeyCredential, TokenCredential
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobClient, BlobProperties, ContainerClient, LinearRetry

from shared.adapters.azure_errors import azure_errors
from shared.adapters.storage.blob_lease import BlobLease
from shared.adapters.storage.names import check_metadata, check_name, check_prefix, check_size, is_name
from shared.adapters.storage.store import (
    CHUNK,
    SMALL_CHUNK,
    Blob,
    BlobInfo,
    Lease,
    Level,
    chunk_sizes,
)
from shared.errors import AlreadyExists, Changed, InvalidSettings, NotFound
from shared.settings import LOOPBACK

# Seconds. Connecting and reading have separate timeouts, so a renewal fails within 10. A store that hangs is
# given up after about 35: a caller over HTTP has 45.
_PATIENT: dict[str, Any] = {
    "connection_timeout": 10,
    "read_timeout": 10,
    "retry_policy": LinearRetry(backoff=2, random_jitter_range=1, retry_total=2),
}
_SHORT: dict[str, Any] = {"connection_timeout": 5, "read_timeout": 5, "retry_total": 0}
# Metadata that distinguishes our own write from another's.
_WRITE_ID = "write_id"


class BlobStore:
    """A Store whose names are under a prefix of one container.

    `url` is `https://<account>/<container>[/<prefix>]`; for an emulator on loopback, the path begins with the
    account. Raises InvalidSettings if it names no container.
    """

    def __init__(self, url: str, credential: TokenCredential | AzureNamedKeyCredential) -> None:
        container_url, self._prefix = _parts(url)
        patient = {**_PATIENT, "max_chunk_get_size": CHUNK}
        self._container, self._small = (
            ContainerClient.from_container_url(container_url, credential, **patient, max_single_get_size=size)
            for size in (CHUNK, SMALL_CHUNK)
        )
        self._leases = ContainerClient.from_container_url(container_url, credential, **_SHORT)

    def now(self) -> datetime:
        dates: list[str] = []
        with azure_errors("The container"):
            self._container.get_container_properties(
                raw_response_hook=lambda answer: dates.append(answer.http_response.headers["Date"])
            )
        return parsedate_to_datetime(dates[-1])

    def list(self, prefix: str = "", *, page: int | None = None) -> Iterator[BlobInfo]:
        check_prefix(prefix)
        return self._walk(prefix, page)

    def level(self, folder: str = "") -> Level:
        prefix = f"{folder}/" if folder else ""
        check_prefix(prefix)
        folders, blobs = [], []
        with azure_errors(f"The folder {folder!r}"):
            for item in self._container.walk_blobs(
                self._prefix + prefix, include=["metadata"], delimiter="/"
            ):
                if isinstance(item, BlobProperties):
                    blobs.append(self._info(item))
                else:
                    folders.append(item.name.removeprefix(self._prefix).removesuffix("/"))
        return Level(tuple(filter(is_name, sorted(folders))), tuple(blob for blob in blobs if blob))

    def stat(self, name: str) -> BlobInfo:
        blob = self._blob(name)
        with azure_errors(name):
            info = self._info(blob.get_blob_properties())
        if info is None:
            raise NotFound(f"{name} is a folder.")
        return info

    def read(self, name: str, *, most: int | None = None) -> Blob:
        blob = self._blob(name)
        with azure_errors(name):
            # Fetches the first chunk, and the total size.
            download = blob.download_blob(decompress=False)
            check_size(name, download.size, most)
            return Blob(download.readall(), _bare(download.properties.etag))

    def stream(self, name: str, *, etag: str, start_small: bool = False) -> Iterator[bytes]:
        check_name(name)
        blob = (self._small if start_small else self._container).get_blob_client(self._prefix + name)
        try:
            with azure_errors(name):
                # The condition is sent with the request of every chunk. decompress=False: if the blob has a
                # Content-Encoding, the client would try to decompress each chunk by itself.
                download = blob.download_blob(decompress=False, **_if_match(etag))
                if not start_small:
                    yield from download.chunks()
                    return
                for size in chunk_sizes(start_small):
                    if not (chunk := download.read(size)):
                        return
                    yield chunk
        except Changed:
            self.stat(name)  # the service checks the condition first; NotFound if the blob is gone
            raise

    def write(
        self,
        name: str,
        content: bytes | Iterable[bytes],
        *,
        metadata: Mapping[str, str] | None = None,
        create_only: bool = False,
        if_match: str | None = None,
        lease: Lease | None = None,
    ) -> str:
        blob, write_id = self._blob(name), uuid4().hex
        check_metadata(metadata or {})
        try:
            with azure_errors(name):
                written = blob.upload_blob(
                    content,
                    metadata={**(metadata or {}), _WRITE_ID: write_id},
                    overwrite=not create_only,
                    lease=cast(BlobLease, lease).held() if lease else None,
                    **_if_match(if_match),
                )
                return _bare(written["etag"])
        except (AlreadyExists, Changed):
            # If the answer to a write is lost, the write is retried, and then finds its own result.
            if etag := self._written(name, write_id):
                return etag
            raise

    def append(self, name: str, content: bytes) -> None:
        blob = self._blob(name)
        with azure_errors(name):
            try:
                blob.append_block(content)
            except ResourceNotFoundError:
                with suppress(ResourceExistsError):  # another process has just created it
                    blob.create_append_blob(match_condition=MatchConditions.IfMissing)
                blob.append_block(content)

    def delete(self, name: str, *, if_match: str | None = None) -> None:
        blob = self._blob(name)
        with suppress(NotFound), azure_errors(name):
            blob.delete_blob(**_if_match(if_match))

    def acquire(self, name: str) -> Lease:
        return BlobLease(name, self._blob(name), self._leases.get_blob_client(self._prefix + name))

    def _blob(self, name: str) -> BlobClient:
        check_name(name)
        return self._container.get_blob_client(self._prefix + name)

    def _walk(self, prefix: str, page: int | None) -> Iterator[BlobInfo]:
        with azure_errors(f"The listing of {prefix!r}"):
            for item in self._container.list_blobs(
                self._prefix + prefix, include=["metadata"], results_per_page=page
            ):
                if info := self._info(item):
                    yield info

    def _info(self, item: BlobProperties) -> BlobInfo | None:
        """The blob's entry; None if it isn't ours: an unreadable name, or the mark of a Data Lake folder."""
        name = item.name.removeprefix(self._prefix)
        metadata = {key: value for key, value in (item.metadata or {}).items() if key != _WRITE_ID}
        if not is_name(name) or metadata.get("hdi_isfolder") == "true":
            return None
        return BlobInfo(name, _bare(item.etag), item.size, item.last_modified, metadata)

    def _written(self, name: str, write_id: str) -> str | None:
        """The ETag of the blob, if this very write was its last one."""
        with suppress(NotFound), azure_errors(name):
            blob = self._blob(name).get_blob_properties()
            if blob.metadata.get(_WRITE_ID) == write_id:
                return _bare(blob.etag)
        return None


def _parts(url: str) -> tuple[str, str]:
    """Container URL and prefix (with a `/` at its end unless it is blank)."""
    parts = urlsplit(url)
    path = parts.path.strip("/").split("/")
    depth = 2 if parts.hostname in LOOPBACK else 1
    prefix = unquote("/".join(path[depth:]))
    if not all(path[:depth]) or len(path) < depth or (prefix and not is_name(prefix)):
        raise InvalidSettings(
            "A storage URL must name a container: https://<account>/<container>[/<prefix>]."
        )
    container = "/".join(path[:depth])
    return f"{parts.scheme}://{parts.netloc}/{container}", f"{prefix}/" if prefix else ""


def _if_match(etag: str | None) -> dict[str, Any]:
    return {"etag": f'"{etag}"', "match_condition": MatchConditions.IfNotModified} if etag is not None else {}


def _bare(etag: str) -> str:
    """The ETag without quotes, as in listings; headers have quotes."""
    return etag.strip('"')
