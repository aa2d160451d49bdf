"""Whether a store can be written: only a write shows it."""

from shared.adapters.storage.store import Store


def check_writable(store: Store, name: str) -> None:
    """Writes an empty blob of this name and deletes it. Raises what either raises."""
    store.write(name, b"")
    store.delete(name)
