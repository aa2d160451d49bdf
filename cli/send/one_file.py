"""Stands in for the segment, the documents and the vault of an export of one CSV file."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from hashlib import blake2b
from pathlib import Path
from typing import override

from shared import state
from shared.adapters.clock import Clock
from shared.adapters.storage import open_store
from shared.adapters.storage.folder import FolderStore
from shared.adapters.storage.store import BlobInfo, Store
from shared.adapters.vault import Vault, open_vault
from shared.catalog import Catalog, Connection, Export, Listed, PinnedAccount
from shared.errors import Denied, InvalidSegment, PermanentError
from shared.klaviyo import Account, KlaviyoApi
from shared.ledger.key import SECRET_NAME
from shared.runs.run import OpenRun
from shared.segments import Column, CsvFormat, Partition, Snapshot, read_delimiter, read_header
from shared.services import Services
from shared.settings import Settings

CONNECTION = "send"


class CsvFile:
    """A local file, read as the only partition of a segment with the file's name.

    Its first line has the column names; all values are text. Raises NotFound, InvalidSegment.
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
        """The same id for the same content and options."""
        digest = blake2b(self._content_digest, digest_size=8)
        digest.update(json.dumps(options).encode())
        return state.one_file(digest.hexdigest())

    @cached_property
    def _content_digest(self) -> bytes:
        digest = blake2b(digest_size=32)
        for chunk in self.store.stream(self.partition.name, etag=self.partition.etag):
            digest.update(chunk)
        return digest.digest()

    def _header(self) -> tuple[list[str], str]:
        """The column names, and the delimiter that separates most of them."""
        delimiter = read_delimiter(self.store, self.partition)
        columns = read_header(self.store, self.partition, delimiter) if delimiter else None
        if not delimiter or not columns:
            raise InvalidSegment(
                f"{self.path.name} is empty. It must be CSV that begins with its column names.",
                code="invalid_csv",
            )
        return columns, delimiter


@dataclass(frozen=True, slots=True)
class FileSegments:
    """A source of segments whose only segment is the file."""

    file: CsvFile

    def newest(self, segment: str) -> Snapshot:  # noqa: ARG002 - there is only one
        return self.file.snapshot()

    def versions(self, segments: Iterable[str]) -> dict[str, str]:
        return dict.fromkeys(segments, self.file.snapshot().version)


@dataclass(frozen=True, slots=True)
class FileDocuments:
    """A source of documents with the one export and the one connection that the command creates."""

    one_export: Export
    one_connection: Connection

    def export(self, export_id: str) -> Export:  # noqa: ARG002 - there is only one
        return self.one_export

    def connection(self, connection_id: str | None) -> Connection:  # noqa: ARG002 - there is only one
        return self.one_connection

    def connections(self) -> Iterator[Connection | PermanentError]:
        yield self.one_connection

    def connection_to(self, account_id: str) -> Connection | None:  # noqa: ARG002 - there is only one
        return self.one_connection

    def exports(self) -> Iterator[Listed]:
        return iter(())

    def entries(self) -> Iterator[BlobInfo]:
        return iter(())

    def listed(self, blob: BlobInfo) -> Listed | None:  # noqa: ARG002 - there is none
        return None

    def pin_account(self, connection: Connection, account: PinnedAccount) -> None:
        """Nothing to do: the connection is pinned from the start."""

    def mark_revoked(self, connection: Connection) -> None:
        """Nothing to do: the connection has a key."""


class OneKey(Vault):
    """A vault with one API key. The digest key, which is asked for where people were erased, is elsewhere."""

    is_writable = False

    def __init__(self, key: str, elsewhere: Callable[[], Vault]) -> None:
        self._key = key
        self._elsewhere = elsewhere

    @override
    def secret(self, name: str) -> str:
        return self._elsewhere().secret(name) if name == SECRET_NAME else self._key

    @override
    def write(self, name: str, key: str) -> None:
        raise Denied("A file is sent with the key at hand: none is kept.")

    @override
    def replace(self, name: str, key: str) -> None:
        raise Denied("A file is sent with the key at hand: none is kept.")

    @override
    def remove(self, name: str) -> None:
        raise Denied("A file is sent with the key at hand: none is kept.")


def services_of(file: CsvFile, key: str, settings: Settings, clock: Clock) -> Services:
    """The services of a run over the file, without its documents."""
    store = open_store(settings.state_url)
    return Services(
        settings=settings,
        segment_store=file.store,
        segments=FileSegments(file),
        state=store,
        catalog=Catalog(store),
        vault=OneKey(key, partial(open_vault, settings)),
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
    """The file's export. Raises InvalidDocument for an attribute that Klaviyo does not have, or an invalid
    list id."""
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
    """The connection to the key's account, pinned before anything is sent."""
    members = {
        "id": CONNECTION,
        "secret_name": CONNECTION,
        "consent": {"accepted_by": accepted_by, "accepted_at": accepted_at},
        "account": {"id": account.id, "name": account.name},
    }
    return Connection.parse("The connection", json.dumps(members).encode())


def with_key(services: Services, run: OpenRun, key: str) -> Services:
    """The services that can count the jobs of an open run without its file, with the key of its account."""
    if run.plan is None:
        return services
    account = Account(run.plan.account_id, "")
    consent_at = run.record.created_at.isoformat()
    connection = connection_of(account, run.record.requested_by, consent_at)
    return replace(
        services,
        catalog=FileDocuments(run.plan.export, connection),
        vault=OneKey(key, lambda: services.vault),
    )
