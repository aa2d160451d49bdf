"""The catalog over a real store."""

import gc
import json
import traceback
import weakref

import pytest

from shared.adapters.storage.store import Store
from shared.catalog import Catalog, Export, PinnedAccount
from shared.errors import Changed, InvalidDocument, NotFound
from tests.support.documents import SHORT_CONNECTION, SHORT_EXPORT


def write(store: Store, name: str, content: object) -> None:
    store.write(name, json.dumps(content).encode())


def test_a_broken_document_never_stops_the_others(folder_store: Store) -> None:
    """Each export is listed with what it says or what is wrong with it, and what is no export is not."""
    for export_id in ("a", "c"):
        write(folder_store, f"exports/{export_id}.json", SHORT_EXPORT | {"id": export_id})
    folder_store.write("exports/b.json", b"{")
    write(folder_store, "exports/d.json", SHORT_EXPORT)
    folder_store.write("exports/notes.txt", b"")
    folder_store.write("exports/old/e.json", b"{")

    listed = {export.id: export.document for export in Catalog(folder_store).exports()}

    assert {key: type(document) for key, document in listed.items()} == {
        "a": Export,
        "b": InvalidDocument,
        "c": Export,
        "d": InvalidDocument,
    }
    assert "exports/b.json is not valid: /: is not JSON" in str(listed["b"])
    assert "/id: must be the file's name without .json" in str(listed["d"])


def test_a_document_is_read_again_when_it_has_changed(folder_store: Store) -> None:
    """A listing shows what the store holds now."""
    catalog = Catalog(folder_store)
    folder_store.write("exports/vip.json", b"{")
    assert isinstance(next(catalog.exports()).document, InvalidDocument)

    write(folder_store, "exports/vip.json", SHORT_EXPORT)
    assert isinstance(next(catalog.exports()).document, Export)
    assert next(catalog.exports()).document is next(catalog.exports()).document

    folder_store.delete("exports/vip.json")
    assert list(catalog.exports()) == []


def test_each_look_at_a_broken_document_makes_an_error_of_its_own(folder_store: Store) -> None:
    """Raising it at every tick deepens no traceback, and keeps nothing that earlier ticks held."""
    folder_store.write("exports/vip.json", b"{")
    catalog = Catalog(folder_store)
    depths, held = [], []

    def look() -> None:
        [listed] = catalog.exports()
        data = {"held by this look"}
        held.append(weakref.ref(data))
        assert isinstance(listed.document, InvalidDocument)
        try:
            raise listed.document
        except InvalidDocument as error:
            depths.append(len(traceback.extract_tb(error.__traceback__)))

    for _ in range(3):
        look()
    gc.collect()

    assert depths == [1, 1, 1]
    assert [data() for data in held] == [None, None, None]


def test_a_kept_error_says_all_that_the_first_one_said(folder_store: Store) -> None:
    """A second look lists the same problems, and counts those beyond the list."""
    write(folder_store, "exports/vip.json", SHORT_EXPORT | {f"member-{number}": 1 for number in range(30)})
    catalog = Catalog(folder_store)
    first, second = (next(catalog.exports()).document for _ in range(2))

    assert isinstance(first, InvalidDocument)
    assert isinstance(second, InvalidDocument)
    assert first.more == 10
    assert (second.name, second.problems, second.more) == (first.name, first.problems, first.more)
    assert second.message == first.message


def test_what_is_not_there_is_not_found(folder_store: Store) -> None:
    """The message names what was asked for, and the code tells an export from a connection."""
    with pytest.raises(NotFound, match="export 'vip' does not exist") as missing:
        Catalog(folder_store).export("vip")
    assert missing.value.code == "unknown_export"

    with pytest.raises(NotFound, match="connection 'eu' does not exist") as missing:
        Catalog(folder_store).connection("eu")
    assert missing.value.code == "unknown_connection"


def test_an_account_is_pinned_once_and_changes_nothing_else(folder_store: Store) -> None:
    """The document keeps what people wrote, and an account that is there stays."""
    write(folder_store, "connections/klaviyo-eu.json", SHORT_CONNECTION)
    catalog = Catalog(folder_store)
    connection = catalog.connection("klaviyo-eu")

    catalog.pin_account(connection, PinnedAccount(id="FIRST", name="Example"))
    catalog.pin_account(connection, PinnedAccount(id="SECOND"))

    content = json.loads(folder_store.read("connections/klaviyo-eu.json").content)
    assert content == SHORT_CONNECTION | {"account": {"id": "FIRST", "name": "Example"}}


def test_a_change_between_reading_and_pinning_is_not_overwritten(folder_store: Store) -> None:
    """Whoever edits the connection at that moment keeps the edit."""

    class Meddling:
        """The store, but somebody writes the connection whenever it was read."""

        def __getattr__(self, name: str) -> object:
            return getattr(folder_store, name)

        def read(self, name: str, *, most: int | None = None) -> object:
            blob = folder_store.read(name, most=most)
            write(folder_store, name, SHORT_CONNECTION | {"display_name": "Edited"})
            return blob

    write(folder_store, "connections/klaviyo-eu.json", SHORT_CONNECTION)
    connection = Catalog(folder_store).connection("klaviyo-eu")

    with pytest.raises(Changed):
        Catalog(Meddling()).pin_account(connection, PinnedAccount(id="FIRST"))  # type: ignore[arg-type]
    assert Catalog(folder_store).connection("klaviyo-eu").display_name == "Edited"
