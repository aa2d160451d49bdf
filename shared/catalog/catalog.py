"""The documents in the store; each is read again only when it has changed."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import NamedTuple

from shared import state
from shared.adapters.storage.store import BlobInfo, Store
from shared.adapters.telemetry import log_bug
from shared.catalog.connection import Connection, PinnedAccount
from shared.catalog.document import LONGEST_DOCUMENT, Document
from shared.catalog.export import Export
from shared.errors import Changed, InvalidDocument, NotFound, PermanentError, Problem, TryLater

logger = logging.getLogger(__name__)


class Listed(NamedTuple):
    """An export in a listing: when its document was written, and the document or what is wrong with it."""

    id: str
    changed_at: datetime
    document: Export | PermanentError


class _Flaws(NamedTuple):
    """The parts of an InvalidDocument. The error itself is not kept: it would hold its callers' frames."""

    name: str
    problems: Sequence[Problem]
    more: int


class Catalog:
    """The connections and exports of one state store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read: dict[str, tuple[str, Export | Connection | _Flaws]] = {}

    def export(self, export_id: str) -> Export:
        """The export. Raises NotFound, InvalidDocument."""
        return self._document(Export, state.export(export_id), export_id, "unknown_export")

    def connection(self, connection_id: str | None) -> Connection:
        """The connection; a detached export has None. Raises NotFound, InvalidDocument."""
        if connection_id is None:
            message = "The export has no connection: attach one."
            raise NotFound(message, code="no_connection")
        return self._document(
            Connection, state.connection(connection_id), connection_id, "unknown_connection"
        )

    def connections(self) -> Iterator[Connection | PermanentError]:
        """Every connection, or what is wrong with it."""
        for blob in self._store.list(state.CONNECTIONS):
            if (connection_id := state.id_of(blob.name)) is not None:
                found = self._known(blob, Connection, partial(self.connection, connection_id))
                if found is not None:
                    yield found

    def connection_to(self, account_id: str) -> Connection | None:
        """The first valid connection to this Klaviyo account, or None."""
        for connection in self.connections():
            if not isinstance(connection, Connection):
                continue
            if connection.account is not None and connection.account.id == account_id:
                return connection
        return None

    def exports(self) -> Iterator[Listed]:
        """Every export, from one listing; an error in one document never stops the others."""
        return filter(None, map(self.listed, self.entries()))

    def entries(self) -> Iterator[BlobInfo]:
        """The blobs of the exports, in the order of their names."""
        return (blob for blob in self._store.list(state.EXPORTS) if state.id_of(blob.name))

    def listed(self, blob: BlobInfo) -> Listed | None:
        """The export of an entry, as `exports` yields it; None if it no longer exists."""
        export_id = state.id_of(blob.name)
        document = self._known(blob, Export, partial(self.export, export_id)) if export_id else None
        return Listed(export_id, blob.last_modified, document) if export_id and document is not None else None

    def _known[D: (Connection, Export)](
        self, blob: BlobInfo, kind: type[D], read: Callable[[], D]
    ) -> D | PermanentError | None:
        """The document of an entry, or what is wrong with it; None if it no longer exists."""
        etag, known = self._read.get(blob.name, ("", None))
        if known is None or etag != blob.etag:
            try:
                known = read()
            except InvalidDocument as error:
                known = _Flaws(error.name, error.problems, error.more)
            except NotFound:
                return None
            except PermanentError as error:
                return error
            except TryLater:
                raise
            except Exception as error:
                log_bug(logger, error, {"document": blob.name})
                return InvalidDocument(
                    blob.name, [Problem("", "can't be read because of a bug; the log shows where")]
                )
            self._read[blob.name] = (blob.etag, known)
        return known if isinstance(known, kind) else InvalidDocument(*known)

    def pin_account(self, connection: Connection, account: PinnedAccount) -> None:
        """Writes the account into a connection that has none. Raises Changed if it was changed meanwhile."""
        name = state.connection(connection.id)
        blob = self._store.read(name, most=LONGEST_DOCUMENT)
        current = Connection.parse(name, blob.content)
        if current.account is None:
            pinned = current.model_copy(update={"account": account})
            self._store.write(name, _content(pinned), if_match=blob.etag)

    def mark_revoked(self, connection: Connection) -> None:
        """Marks the connection as revoked, unless somebody has signed in again or changed it meanwhile."""
        name = state.connection(connection.id)
        with suppress(NotFound, Changed):
            blob = self._store.read(name, most=LONGEST_DOCUMENT)
            current = Connection.parse(name, blob.content)
            if current.secret_name == connection.secret_name and not current.revoked:
                marked = current.model_copy(update={"revoked": True})
                self._store.write(name, _content(marked), if_match=blob.etag)

    def _document[D: (Connection, Export)](self, kind: type[D], name: str, document_id: str, code: str) -> D:
        try:
            content = self._store.read(name, most=LONGEST_DOCUMENT).content
        except NotFound:
            raise NotFound(
                f"The {kind.__name__.lower()} {document_id!r} does not exist.", code=code
            ) from None
        document = kind.parse(name, content)
        if document.id != document_id:
            raise InvalidDocument(name, [Problem("/id", "must be the file's name without .json")])
        return document


def _content(document: Document) -> bytes:
    return document.model_dump_json(indent=1, exclude_unset=True).encode() + b"\n"
