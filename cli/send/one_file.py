"""Stands in for the segment, the documents and the vault of an export of files that are given to `send`."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from hashlib import blake2b
from typing import Any, override

from cli.send.inputs import Input, Inputs, SheetInput, TextInput
from shared import state
from shared.adapters.clock import Clock
from shared.adapters.storage import open_store
from shared.adapters.storage.store import BlobInfo, Store
from shared.adapters.vault import Vault, open_vault
from shared.catalog import Catalog, Connection, Export, Listed, PinnedAccount
from shared.errors import Denied, InvalidSegment, PermanentError
from shared.klaviyo import Account, KlaviyoApi
from shared.ledger.key import SECRET_NAME
from shared.profiles.columns import find_columns, has_any, look_like_names
from shared.profiles.emails import is_possible_email
from shared.runs.run import OpenRun
from shared.segments import (
    Column,
    CsvFormat,
    Partition,
    Snapshot,
    lines_of_rows,
    read_delimiter,
    read_header,
    read_rows,
)
from shared.services import Services
from shared.settings import Settings
from shared.text import folded, trim

CONNECTION = "send"


class CsvFiles:
    """Inputs as the partitions of one segment, which is called as they are.

    The first line of each has column names; all values are text. `columns` are those that all inputs have, in
    the order of the first, and `partial` those that only some have, by the name of one. Raises Changed,
    InvalidSegment.
    """

    def __init__(self, inputs: Sequence[Input]) -> None:
        self.store: Store = Inputs(inputs)
        self._sheet_rows = {each.info.name: each.rows for each in inputs if isinstance(each, SheetInput)}
        self.notes = [each.note for each in inputs if each.note]
        self.is_guessed = any(isinstance(each, TextInput) and each.note for each in inputs)
        infos = [each.info for each in inputs]
        self.partitions = tuple(Partition(info.name, info.etag, info.size) for info in infos)
        self.size = sum(info.size for info in infos)
        others = f" and {len(infos) - 1} more" if len(infos) > 1 else ""
        self.name = f"{infos[0].name}{others}"
        self.delimiter = self._read_delimiter()
        self.columns, self.partial = self._columns()
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

    def rows(self, partition: Partition) -> Iterator[tuple[int, Sequence[str] | str]]:
        """The rows of an input, by their numbers from 1: their cells, or the reason why one can't be read."""
        rows = read_rows(self.store, partition, 0, self.snapshot().csv_format, self.columns)
        return ((row, cells) for _, row, cells in rows)

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

    def column(self, name: str) -> str:
        """The column of this name, whatever its capitals and spaces. Raises NotFound."""
        self.check_columns([name])
        return self.columns[find_columns([name], self.columns)[name]]

    def check_columns(self, wanted: Iterable[str]) -> None:
        """Raises InvalidSegment if an input lacks one of these columns and another has it, or if the first
        line has no names: an address can't be one."""
        if not look_like_names(self.columns) and not has_any(list(wanted), self.columns):
            raise InvalidSegment(
                f"{self.name} does not begin with column names. Remove the lines above them, or add a first "
                "line with names.",
                code="invalid_csv",
            )
        for column in wanted:
            if is_possible_email(trim(column)) and column in self.columns:
                raise InvalidSegment(
                    f"{self.name} begins with a person, not with column names. Add a first line with names.",
                    code="invalid_csv",
                )
            if column in self.partial:
                raise InvalidSegment(
                    f"Only some of the files have the column {column!r}, such as {self.partial[column]}. Add "
                    "it to all of them, or send one after the other.",
                    code="invalid_csv",
                )

    def _columns(self) -> tuple[list[str], dict[str, str]]:
        headers = {each.name: read_header(self.store, each, self.delimiter) or [] for each in self.partitions}
        names = [{folded(column) for column in header} for header in headers.values()]
        in_all = set.intersection(*names)
        columns = [each for each in headers[self.partitions[0].name] if folded(each) in in_all]
        if not columns:
            raise InvalidSegment("The files have no column in common.", code="invalid_csv")
        partial = {
            column: name
            for name, header in headers.items()
            for column in header
            if trim(column) and folded(column) not in in_all
        }
        return columns, partial

    def _read_delimiter(self) -> str:
        """The one that separates the columns of every file."""
        first = self.partitions[0]
        delimiter = self._delimiter(first)
        for other in self.partitions[1:]:
            if (its_own := self._delimiter(other)) != delimiter:
                raise InvalidSegment(
                    f"{other.name} is separated by {its_own!r}, and {first.name} by {delimiter!r}. "
                    "Send one after the other.",
                    code="invalid_csv",
                )
        return delimiter

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
