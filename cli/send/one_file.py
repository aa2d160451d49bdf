"""Stands in for the segment, the documents and the vault of an export of files that are given to `send`."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from hashlib import blake2b
from typing import Any, override

from cli.send.inputs import Input, Inputs, SheetInput
from shared import state
from shared.adapters.clock import Clock
from shared.adapters.storage import open_store
from shared.adapters.storage.store import BlobInfo, Store
from shared.adapters.vault import Vault, open_vault
from shared.catalog import Catalog, Connection, Export, Listed, PinnedAccount
from shared.errors import Denied, InvalidSegment, PermanentError
from shared.klaviyo import Account, KlaviyoApi
from shared.ledger.key import SECRET_NAME
from shared.runs.run import OpenRun
from shared.segments import (
    Column,
    CsvFormat,
    Partition,
    Snapshot,
    lines_of_rows,
    read_delimiter,
    read_header,
)
from shared.services import Services
from shared.settings import Settings

CONNECTION = "send"


class CsvFiles:
    """Inputs as the partitions of one segment, which is called as they are.

    The first line of each has column names, and the columns are those of the first; all values are text.
    Raises Changed, InvalidSegment.
    """

    def __init__(self, inputs: Sequence[Input]) -> None:
        self.store: Store = Inputs(inputs)
        self._sheet_rows = {each.info.name: each.rows for each in inputs if isinstance(each, SheetInput)}
        self.notes = [each.note for each in inputs if each.note]
        infos = [each.info for each in inputs]
        self.partitions = tuple(Partition(info.name, info.etag, info.size) for info in infos)
        others = f" and {len(infos) - 1} more" if len(infos) > 1 else ""
        self.name = f"{infos[0].name}{others}"
        self.columns, self.delimiter = self._header()
        self._last_modified = max(info.last_modified for info in infos)

    def snapshot(self) -> Snapshot:
        return Snapshot(
            segment=self.name,
            folder=self.name,
            version=self._last_modified.isoformat(),
            refreshed_at=self._last_modified,
            columns=tuple(map(Column, self.columns)),
            csv_format=CsvFormat(True, self.delimiter),
            partitions=self.partitions,
            names_by_file=True,
        )

    def lines_of(self, partition: Partition, rows: Collection[int]) -> Mapping[int, int]:
        """The lines in which these rows begin, as far as they are known; a workbook's own row numbers."""
        if numbers := self._sheet_rows.get(partition.name):
            return {row: numbers[row] for row in rows}
        return lines_of_rows(self.store, partition, self.delimiter, rows)

    def export_id(self, *options: object) -> str:
        """The same id for the same content and options."""
        digest = blake2b(self._content_digest, digest_size=8)
        digest.update(json.dumps(options).encode())
        return state.one_file(digest.hexdigest())

    @cached_property
    def _content_digest(self) -> bytes:
        digest = blake2b(digest_size=32)
        for partition in self.partitions:
            for chunk in self.store.stream(partition.name, etag=partition.etag):
                digest.update(chunk)
        return digest.digest()

    def _header(self) -> tuple[list[str], str]:
        """The column names of the first file, and the delimiter that separates most of them."""
        first = self.partitions[0]
        delimiter = self._delimiter(first)
        for other in self.partitions[1:]:
            if (its_own := self._delimiter(other)) != delimiter:
                raise InvalidSegment(
                    f"{other.name} is separated by {its_own!r}, and {first.name} by {delimiter!r}. "
                    "Send one after the other.",
                    code="invalid_csv",
                )
        columns = read_header(self.store, first, delimiter)
        if not columns:
            raise _empty(first.name)
        return columns, delimiter

    def _delimiter(self, partition: Partition) -> str:
        if delimiter := read_delimiter(self.store, partition):
            return delimiter
        raise _empty(partition.name)


def _empty(name: str) -> InvalidSegment:
    return InvalidSegment(
        f"{name} is empty. It must be CSV that begins with its column names.", code="invalid_csv"
    )


@dataclass(frozen=True, slots=True)
class FileSegments:
    """A source of segments whose only segment is the file."""

    files: CsvFiles

    def newest(self, segment: str) -> Snapshot:  # noqa: ARG002 - there is only one
        return self.files.snapshot()

    def versions(self, segments: Iterable[str]) -> dict[str, str]:
        return dict.fromkeys(segments, self.files.snapshot().version)


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


def services_of(files: CsvFiles, key: str, settings: Settings, clock: Clock) -> Services:
    """The services of a run over the files, without its documents."""
    store = open_store(settings.state_url)
    return Services(
        settings=settings,
        segment_store=files.store,
        segments=FileSegments(files),
        state=store,
        catalog=Catalog(store),
        vault=OneKey(key, partial(open_vault, settings)),
        klaviyo=KlaviyoApi(settings.klaviyo_url, clock),
        clock=clock,
    )


def export_of(
    files: CsvFiles,
    list_id: str,
    email: str,
    attributes: Mapping[str, Any],
    only_if: Mapping[str, Any] | None,
    account: str = "",
) -> Export:
    """The export of the files. Raises InvalidDocument for an attribute that Klaviyo does not have, or an
    invalid list id."""
    members = {
        "id": files.export_id(account, list_id, email, attributes, *([only_if] if only_if else [])),
        "display_name": files.name,
        "connection": CONNECTION,
        "segments": [files.name],
        "list_id": list_id,
        "match": {"email": email},
        "attributes": attributes,
        **({"only_if": only_if} if only_if else {}),
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
