"""An export of one CSV file, with nothing configured: what stands in for its segment, documents and vault."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import override

from shared.adapters.clock import Clock
from shared.adapters.storage import open_store
from shared.adapters.storage.folder import FolderStore
from shared.adapters.storage.store import BlobInfo, Store
from shared.adapters.vault import Vault
from shared.catalog import Account, Catalog, Connection, Export
from shared.errors import InvalidSegment
from shared.klaviyo import KlaviyoApi
from shared.runs.services import Services
from shared.segments import Column, CsvFormat, Partition, Segments, Snapshot
from shared.segments.rows import read_delimiter, read_header
from shared.settings import Settings

# The ids of these exports. Nobody but the command goes on with them: only it has the file and the key.
ID = re.compile(r"send-[0-9a-f]{16}")
CONNECTION = "send"


class CsvFile:
    """A file of this machine, read as the one partition of a segment that has its name.

    Its first line has the names of the columns; all values are text. Raises NotFound, InvalidSegment.
    """

    def __init__(self, path: Path) -> None:
        path = path.resolve()
        self.path = path
        self.store: Store = FolderStore(path.parent)
        self._info: BlobInfo = self.store.stat(path.name)
        self.partition = Partition(self._info.name, self._info.etag, self._info.size)
        self.columns, self.delimiter = self._header()

    def snapshot(self) -> Snapshot:
        return Snapshot(
            segment=self.path.name,
            folder=self.path.name,
            version=self._info.last_modified.isoformat(),
            refreshed_at=self._info.last_modified,
            columns=tuple(map(Column, self.columns)),
            csv_format=CsvFormat(True, self.delimiter),
            partitions=(self.partition,),
            names_by_file=True,
        )

    def export_id(self, *options: object) -> str:
        """The same for the same content and options."""
        digest = blake2b(self._content_digest, digest_size=8)
        digest.update(json.dumps(options).encode())
        return f"send-{digest.hexdigest()}"

    @cached_property
    def _content_digest(self) -> bytes:
        digest = blake2b(digest_size=32)
        for chunk in self.store.stream(self.partition.name, etag=self.partition.etag):
            digest.update(chunk)
        return digest.digest()

    def _header(self) -> tuple[list[str], str]:
        """The names of the columns, and the delimiter that tells most of them apart."""
        delimiter = read_delimiter(self.store, self.partition)
        columns = read_header(self.store, self.partition, delimiter) if delimiter else None
        if not delimiter or not columns:
            raise InvalidSegment(
                f"{self.path.name} is empty: it must be CSV that begins with the names of its columns.",
                code="invalid_csv",
            )
        return columns, delimiter


class FileSegments(Segments):
    """The one segment that the file is."""

    def __init__(self, file: CsvFile) -> None:
        super().__init__(file.store)
        self._file = file

    @override
    def newest(self, segment: str) -> Snapshot:
        return self._file.snapshot()

    @override
    def versions(self, segments: Iterable[str]) -> dict[str, str]:
        return dict.fromkeys(segments, self._file.snapshot().version)


class FileCatalog(Catalog):
    """The two documents that nobody had to write."""

    def __init__(self, store: Store, export: Export, connection: Connection) -> None:
        super().__init__(store)
        self._export = export
        self._connection = connection

    @override
    def export(self, export_id: str) -> Export:
        return self._export

    @override
    def connection(self, connection_id: str) -> Connection:
        return self._connection


class OneKey(Vault):
    """A vault that has the one key."""

    def __init__(self, key: str) -> None:
        self._key = key

    @override
    def secret(self, name: str) -> str:
        return self._key


def services_of(file: CsvFile, key: str, settings: Settings, clock: Clock) -> Services:
    """Everything that a run over the file stands on, but for its documents."""
    state = open_store(settings.state_url)
    return Services(
        settings=settings,
        segment_store=file.store,
        segments=FileSegments(file),
        state=state,
        catalog=Catalog(state),
        vault=OneKey(key),
        klaviyo=KlaviyoApi(settings.klaviyo_url, clock),
        clock=clock,
    )


def export_of(
    file: CsvFile,
    list_id: str,
    email: str,
    attributes: Mapping[str, str],
    properties: Sequence[str],
    account: str = "",
) -> Export:
    """The file's export. Raises InvalidDocument where Klaviyo knows no such attribute, or a list's id so."""
    columns = {**attributes, "properties": list(properties)}
    members = {
        "id": file.export_id(account, list_id, email, columns),
        "display_name": file.path.name,
        "connection": CONNECTION,
        "segments": [file.path.name],
        "list_id": list_id,
        "match": {"email": email},
        "attributes": columns,
        "schedule": {"active": False},
        "limits": {"max_profiles": 10**9},
    }
    return Export.parse("What to send", json.dumps(members).encode())


def connection_of(account: Account, accepted_by: str, accepted_at: str) -> Connection:
    """The connection to the key's account, which is pinned before anything is sent."""
    members = {
        "id": CONNECTION,
        "secret_name": CONNECTION,
        "consent": {"accepted_by": accepted_by, "accepted_at": accepted_at},
        "account": {"id": account.id, "name": account.name},
    }
    return Connection.parse("The connection", json.dumps(members).encode())
