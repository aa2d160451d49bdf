"""Secrets that are replaced and removed: in the file, and in a Key Vault by Azure's real client."""

import json
from pathlib import Path

import pytest

from shared.adapters.vault import FileVault
from shared.errors import Denied, ExportError, InvalidSettings, NotFound
from tests.support.vault import KeyVaultServer


def test_a_secret_of_the_file_is_replaced(tmp_path: Path) -> None:
    """The others stay; one that is not there is not made."""
    path = tmp_path / "secrets.json"
    vault = FileVault(path)
    vault.write("one", "first")
    vault.write("two", "second")

    vault.replace("one", " third\n")
    with pytest.raises(NotFound):
        vault.replace("three", "fourth")

    assert json.loads(path.read_bytes()) == {"one": "third", "two": "second"}
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_can_be_no_key_replaces_nothing(tmp_path: Path) -> None:
    """A line break could end a header."""
    vault = FileVault(tmp_path / "secrets.json")
    vault.write("one", "first")

    with pytest.raises(InvalidSettings):
        vault.replace("one", "two\nlines")

    assert vault.secret("one") == "first"


def test_a_secret_of_a_key_vault_gets_a_new_version(key_vault: KeyVaultServer) -> None:
    """It is written, replaced and removed; then its name stays taken."""
    vault = key_vault.vault()

    vault.write("one", "first")
    vault.replace("one", "second")
    assert vault.secret("one") == "second"

    vault.remove("one")
    with pytest.raises(ExportError, match="ObjectIsDeletedButRecoverable"):
        vault.replace("one", "third")
    assert key_vault.secrets == {}


def test_who_may_only_read_replaces_nothing(key_vault: KeyVaultServer) -> None:
    """The app often may read secrets and not write them."""
    key_vault.secrets["one"] = "first"
    key_vault.is_writable = False

    with pytest.raises(Denied) as raised:
        key_vault.vault().replace("one", "second")

    assert raised.value.code == "vault_read_only"
    assert key_vault.secrets == {"one": "first"}
