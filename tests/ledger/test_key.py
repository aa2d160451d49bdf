"""The digest key: made once where the app may, never made anew where it was lost."""

import json
import threading
from pathlib import Path

import pytest

from shared import state
from shared.adapters.storage import open_store
from shared.adapters.storage.store import Store
from shared.adapters.vault import FileVault
from shared.errors import Denied, InvalidDocument, InvalidSettings, VaultUnavailable
from shared.ledger import DigestKey, ensure_key, expected_key, read_key
from shared.ledger.key import SECRET_NAME
from tests.support.vault import KeyVaultServer

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"file:{tmp_path / 'state'}")


@pytest.fixture
def vault(tmp_path: Path) -> FileVault:
    return FileVault(tmp_path / "secrets.json")


def test_the_key_is_made_at_first_need(vault: FileVault, store: Store) -> None:
    """It is the same one from then on, and its id tells nothing of it."""
    assert read_key(vault) is None

    key = ensure_key(vault, store)

    assert key is not None
    assert key == ensure_key(vault, store) == read_key(vault)
    assert json.loads(store.read(state.DIGEST_KEY).content) == {"id": key.id}
    assert repr(key) == f"DigestKey(id={key.id!r})"
    assert key.id not in key.key.hex()


def test_where_the_app_writes_secrets_it_makes_the_key(key_vault: KeyVaultServer, store: Store) -> None:
    """In a Key Vault, too: not where it only reads, nor before its new right has taken effect."""
    assert ensure_key(key_vault.vault(), store) is None
    key_vault.is_writable = False
    assert ensure_key(key_vault.vault(is_writable=True), store) is None
    assert key_vault.secrets == {}
    key_vault.is_writable = True

    key = ensure_key(key_vault.vault(is_writable=True), store)

    assert key is not None
    assert key == read_key(key_vault.vault())
    assert key_vault.secrets.keys() == {SECRET_NAME}


def test_processes_that_need_it_at_once_get_the_same(vault: FileVault, store: Store) -> None:
    """Whoever comes second reads what the first has made."""
    keys: list[DigestKey | None] = []
    barrier = threading.Barrier(4)

    def need() -> None:
        barrier.wait()
        while True:
            try:
                keys.append(ensure_key(vault, store))
            except VaultUnavailable:
                continue
            return

    threads = [threading.Thread(target=need) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(keys)) == 1
    assert keys[0] == read_key(vault)


def test_a_lost_key_is_not_made_anew(tmp_path: Path, vault: FileVault, store: Store) -> None:
    """Else nobody would notice that what it had protected can't be read any more."""
    ensure_key(vault, store)
    (tmp_path / "secrets.json").unlink()

    assert ensure_key(vault, store) is None
    assert not (tmp_path / "secrets.json").exists()


def test_another_key_is_told_by_its_id(tmp_path: Path, vault: FileVault, store: Store) -> None:
    """Whoever swaps the key gets another id, and the state knows it."""
    first = ensure_key(vault, store)
    (tmp_path / "secrets.json").unlink()
    vault.write(SECRET_NAME, SECRET)

    second = ensure_key(vault, store)

    assert first is not None
    assert second is not None
    assert first.id != second.id
    assert json.loads(store.read(state.DIGEST_KEY).content) == {"id": second.id}


def test_a_short_key_is_refused(vault: FileVault, store: Store) -> None:
    """It could be tried out."""
    vault.write(SECRET_NAME, SECRET[:-1])

    with pytest.raises(InvalidSettings, match="32 characters"):
        ensure_key(vault, store)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"id":5}', b"x" * 2_000])
def test_a_broken_note_of_the_key_is_told(vault: FileVault, store: Store, content: bytes) -> None:
    """It is not overwritten: somebody may have put another file there."""
    vault.write(SECRET_NAME, SECRET)
    store.write(state.DIGEST_KEY, content)

    with pytest.raises(InvalidDocument, match=r"key\.json"):
        ensure_key(vault, store)


def test_a_vault_that_the_app_does_not_write_gets_no_key(store: Store, tmp_path: Path) -> None:
    """Then somebody has to put it there."""
    vault = ReadOnly(tmp_path / "secrets.json")

    assert ensure_key(vault, store) is None
    assert list(store.list()) == []


def test_what_the_key_would_be_is_known_without_making_it(vault: FileVault, store: Store) -> None:
    """One where it would be made, the same one once it is there, none where it was lost; nothing is
    written."""
    assert expected_key(vault, store) is not None
    assert read_key(vault) is None
    assert list(store.list()) == []

    key = ensure_key(vault, store)

    assert expected_key(vault, store) == key
    assert expected_key(ReadOnly(Path("/nowhere")), store) is None
    assert expected_key(FileVault(Path("/nowhere")), store) is None


def test_where_no_key_is_made_none_is_expected(store: Store, tmp_path: Path) -> None:
    """Then the run would have none either."""
    assert expected_key(ReadOnly(tmp_path / "secrets.json"), store) is None


def test_a_key_that_the_app_may_not_read_is_none(store: Store, tmp_path: Path) -> None:
    """As where it is disabled; it is not made anew."""
    vault = Forbidden(tmp_path / "secrets.json")

    assert read_key(vault) is None
    assert ensure_key(vault, store) is None


class Forbidden(FileVault):
    is_writable = False

    def secret(self, name: str) -> str:
        raise Denied(f"{name} is disabled.")


def test_a_secrets_file_that_is_mounted_read_only_gets_no_key(store: Store, tmp_path: Path) -> None:
    """The run goes on without one."""
    assert ensure_key(Mounted(tmp_path / "secrets.json"), store) is None


class Mounted(FileVault):
    def write(self, name: str, key: str) -> None:
        raise Denied("EROFS")


class ReadOnly(FileVault):
    """As Azure Key Vault is to the app."""

    is_writable = False

    def write(self, name: str, key: str) -> None:
        raise Denied(f"The app does not write {name}.")
