"""Checks that a store can be written, which only a write can show."""

from shared.adapters.storage.store import Store


def check_writable(store: Store, name: str) -> None:
    """Writes an empty blob of this name and deletes it. Raises as these do."""
    store.write(name, b"")
    store.delete(name)
