"""The documents in the store, read again only when they have changed."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from shared import state
from shared.adapters.storage.store import Store
from shared.catalog.connection import Connection, PinnedAccount
from shared.catalog.document import LONGEST_DOCUMENT, Document
from shared.catalog.export import Export
from shared.errors import InvalidDocument, NotFound, Problem


class Listed(NamedTuple):
    """An export as a listing finds it: when its document was written, and what it says or what is wrong."""

    id: str
    changed_at: datetime
    document: Export | InvalidDocument


class _Flaws(NamedTuple):
    """The parts of an InvalidDocument: an error that is kept and raised again holds its callers' frames."""

    name: str
    problems: Sequence[Problem]
    more: int


class Catalog:
    """The connections and exports of one state store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: dict[str, tuple[str, Export | _Flaws]] = {}

    def export(self, export_id: str) -> Export:
        """The export. Raises NotFound, InvalidDocument."""
        return self._document(Export, "exports", export_id, "unknown_export")

    def connection(self, connection_id: str) -> Connection:
        """The connection. Raises NotFound, InvalidDocument."""
        return self._document(Connection, "connections", connection_id, "unknown_connection")

    def connection_to(self, account_id: str) -> Connection | None:
        """The first valid connection to this Klaviyo account; None where there is none."""
        for blob in self._store.list(state.CONNECTIONS):
            connection_id = state.id_of(blob.name)
            if connection_id is None:
                continue
            with suppress(InvalidDocument, NotFound):
                connection = self.connection(connection_id)
                if connection.account is not None and connection.account.id == account_id:
                    return connection
        return None

    def exports(self) -> Iterator[Listed]:
        """Every export, from one listing; a document that is broken never stops the others."""
        for blob in self._store.list("exports/"):
            export_id = blob.name.removeprefix("exports/").removesuffix(".json")
            if not blob.name.endswith(".json") or "/" in export_id:
                continue
            known = self._read.get(export_id)
            if known is None or known[0] != blob.etag:
                try:
                    known = (blob.etag, self.export(export_id))
                except InvalidDocument as error:
                    known = (blob.etag, _Flaws(error.name, error.problems, error.more))
                except NotFound:
                    continue  # removed since the listing
                self._read[export_id] = known
            document = InvalidDocument(*known[1]) if isinstance(known[1], _Flaws) else known[1]
            yield Listed(export_id, blob.last_modified, document)

    def pin_account(self, connection: Connection, account: PinnedAccount) -> None:
        """Writes the account into a connection that has none, unless somebody changed it meanwhile."""
        name = f"connections/{connection.id}.json"
        blob = self._store.read(name, most=LONGEST_DOCUMENT)
        current = Connection.parse(name, blob.content)
        if current.account is None:
            pinned = current.model_copy(update={"account": account})
            self._store.write(name, _content(pinned), if_match=blob.etag)

    def _document[D: (Connection, Export)](
        self, kind: type[D], folder: str, document_id: str, code: str
    ) -> D:
        name = f"{folder}/{document_id}.json"
        try:
            content = self._store.read(name, most=LONGEST_DOCUMENT).content
        except NotFound:
            raise NotFound(f"There is no {folder.removesuffix('s')} {document_id!r}.", code=code) from None
        document = kind.parse(name, content)
        if document.id != document_id:
            raise InvalidDocument(name, [Problem("/id", "must be what the file is called, without .json")])
        return document


def _content(document: Document) -> bytes:
    return document.model_dump_json(indent=1, exclude_unset=True).encode() + b"\n"
