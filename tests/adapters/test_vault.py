"""API keys from a file and from a Key Vault, through Azure's real client over TLS."""

import json
import os
import socket
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from shared.adapters.vault import LONGEST_FILE, MOST_BYTES, FileVault, KeyVault, Vault, open_vault
from shared.errors import (
    Denied,
    InvalidDocument,
    InvalidRequest,
    InvalidSettings,
    NotFound,
    VaultUnavailable,
)
from shared.settings import Settings
from tests.support.hostile import (
    Malice,
    dripping,
    dripping_head,
    endless,
    long,
    made_tls,
    serving_malice,
    silent,
)
from tests.support.telemetry import Metrics
from tests.support.vault import KeyVaultServer, MadeCredential

KEY = "pk_made_up_key"


def file_vault(path: Path, content: str, mode: int = 0o600) -> FileVault:
    """A vault in a file with this content and mode."""
    path.write_text(content)
    path.chmod(mode)
    return FileVault(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the secrets file is."""
    return tmp_path / "secrets.json"


def test_a_file_gives_the_present_value(path: Path) -> None:
    """White space around a key is not part of it, and nothing is remembered."""
    vault = file_vault(path, json.dumps({"klaviyo-eu-key": f" {KEY}\n"}))

    assert vault.secret("klaviyo-eu-key") == KEY
    path.write_text(json.dumps({"klaviyo-eu-key": "rotated"}))
    assert vault.secret("klaviyo-eu-key") == "rotated"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o601, 0o644])
def test_a_file_that_others_can_open_is_refused(path: Path, mode: int) -> None:
    """The message has the command that mends it."""
    vault = file_vault(path, json.dumps({"key": KEY}), mode)

    with pytest.raises(InvalidSettings, match=f"chmod 600 {path}"):
        vault.secret("key")


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702, 0o720])
def test_a_folder_that_others_can_write_is_refused(path: Path, mode: int) -> None:
    """They could put another file into its place; in a sticky folder, such as /tmp, they can't."""
    vault = file_vault(path, json.dumps({"key": KEY}))

    path.parent.chmod(mode)
    with pytest.raises(InvalidSettings, match=f"chmod go-w {path.parent}"):
        vault.secret("key")
    path.parent.chmod(0o1000 | mode)
    assert vault.secret("key") == KEY


@pytest.mark.parametrize("leads", [True, False], ids=["to a file", "nowhere"])
def test_a_symbolic_link_is_refused(path: Path, leads: bool) -> None:
    """Whoever can change a link says which file is read."""
    if leads:
        file_vault(path.with_name("other.json"), json.dumps({"key": KEY}))
    path.symlink_to("other.json")

    with pytest.raises(InvalidSettings, match=f"{path} is a symbolic link.*SECRETS_FILE"):
        FileVault(path).secret("key")


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket", "device"])
def test_what_is_no_regular_file_is_refused(path: Path, kind: str) -> None:
    """At once: nobody is waited for at a pipe."""
    with socket.socket(socket.AF_UNIX) as listener:
        match kind:
            case "folder":
                path.mkdir(mode=0o700)
            case "pipe":
                os.mkfifo(path, 0o600)
            case "socket":
                listener.bind(str(path))
            case _:
                path = Path("/dev/null")

        with pytest.raises(InvalidSettings, match=f"{path} is not a regular file"):
            FileVault(path).secret("key")


def test_a_file_of_another_user_is_refused(path: Path) -> None:
    """Its owner could change it at any time, whatever its mode is."""
    file_vault(path, json.dumps({"key": KEY}))
    if os.geteuid() == 0:
        os.chown(path, 65_534, -1)
    else:
        path = Path("/etc/passwd")

    with pytest.raises(InvalidSettings, match=f"{path} belongs to another user"):
        FileVault(path).secret("key")


def test_a_file_without_bounds_is_refused(path: Path) -> None:
    """A secrets file has a few lines."""
    largest = json.dumps({"key": KEY}).ljust(LONGEST_FILE)
    assert file_vault(path, largest).secret("key") == KEY

    with pytest.raises(InvalidSettings, match="more than 1,048,576 bytes"):
        file_vault(path, f"{largest} ").secret("key")


def test_a_missing_secret_says_where_it_was_looked_for(path: Path) -> None:
    """Name and file are told, whether the file is there or not."""
    with pytest.raises(NotFound, match=f"The secret key .*{path}"):
        FileVault(path).secret("key")
    with pytest.raises(NotFound, match=f"The secret key .*{path}"):
        file_vault(path, json.dumps({"other": KEY})).secret("key")


@pytest.mark.parametrize(
    "content", [f'{{"key": "{KEY}"', f'["{KEY}"]', f'"{KEY}"', "", f"{KEY}é", "[" * 100_000]
)
def test_a_file_that_is_no_json_object_is_invalid(path: Path, content: str) -> None:
    """The file is named, its content isn't."""
    with pytest.raises(InvalidDocument, match=str(path)) as raised:
        file_vault(path, content).secret("key")
    assert KEY not in raised.value.message
    assert raised.value.__context__ is None


@pytest.mark.parametrize("value", ["", " \n", None, 7, [KEY], f"{KEY}é", f"{KEY}\r\nX-Other: 1"])
def test_a_value_that_can_be_no_key_is_refused(path: Path, value: object) -> None:
    """Blank, no text, or nothing that a header can carry: the secret is named, its value isn't."""
    with pytest.raises(InvalidSettings, match="The secret key") as raised:
        file_vault(path, json.dumps({"key": value})).secret("key")
    assert KEY not in raised.value.message


@pytest.mark.parametrize("name", ["", "a b", "../key", "a/b", "key_1", "é", "k" * 128, "key\n"])
def test_a_name_that_no_secret_can_have_is_refused(path: Path, key_vault: KeyVaultServer, name: str) -> None:
    """Key Vault's own rule holds for both, before anything is opened or asked."""
    vaults: list[Vault] = [FileVault(path), key_vault.vault()]
    for vault in vaults:
        with pytest.raises(InvalidRequest):
            vault.secret(name)


def test_a_key_vault_gives_the_present_value(key_vault: KeyVaultServer) -> None:
    """A rotated key is seen by the next question, from the same client."""
    vault = key_vault.vault()
    key_vault.secrets["klaviyo-eu-key"] = f"{KEY} "

    assert vault.secret("klaviyo-eu-key") == KEY
    key_vault.secrets["klaviyo-eu-key"] = "rotated"
    assert vault.secret("klaviyo-eu-key") == "rotated"


def test_a_key_vault_without_the_secret_says_which(key_vault: KeyVaultServer) -> None:
    """The secret and the vault are named."""
    with pytest.raises(NotFound, match=f"The secret key in {key_vault.url}"):
        key_vault.vault().secret("key")


def test_a_key_vault_that_denies_says_why(key_vault: KeyVaultServer) -> None:
    """A wrong token, a missing role, a disabled and an expired secret are for people to fix."""
    key_vault.secrets |= dict.fromkeys(("key", "barred", "disabled", "expired"), KEY)
    key_vault.refused = {"barred": "ForbiddenByRbac", "disabled": "SecretDisabled"}
    key_vault.expired = {"expired"}

    for name, why in (
        ("barred", "403 ForbiddenByRbac"),
        ("disabled", "is disabled"),
        ("expired", "2020-09-13"),
    ):
        with pytest.raises(Denied, match=why) as raised:
            key_vault.vault().secret(name)
        assert KEY not in raised.value.message
    with pytest.raises(Denied, match="401"):
        key_vault.vault(MadeCredential("another token")).secret("key")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_key_vault_out_of_order_is_asked_later(key_vault: KeyVaultServer, status: int) -> None:
    """The wait that it asks for is passed on, and afterwards the same vault answers."""
    vault = key_vault.vault()
    key_vault.secrets["key"] = KEY
    key_vault.failing = status

    with pytest.raises(VaultUnavailable, match=str(status)) as raised:
        vault.secret("key")
    assert raised.value.retry_after == 7
    key_vault.failing = None
    assert vault.secret("key") == KEY


@pytest.mark.parametrize(("asked", "seconds"), [("7", 7), ("86400", 3600), ("0.5", 0.5), ("soon", None)])
def test_a_key_vaults_wait_is_not_slept_through(
    key_vault: KeyVaultServer, asked: str, seconds: float | None
) -> None:
    """Whoever asked is told how long to wait, an hour at most, and Azure's client sleeps none of it."""
    # With the retries that the app has, and not with none as elsewhere here.
    vault = KeyVault(key_vault.url, MadeCredential(), patience=10, connection_verify=str(key_vault.ca))
    key_vault.secrets["key"] = KEY
    key_vault.failing, key_vault.retry_after = 503, asked

    with pytest.raises(VaultUnavailable, match="503") as raised:
        vault.secret("key")

    assert raised.value.retry_after == seconds


@pytest.mark.parametrize("malice", [dripping, dripping_head, silent, endless, long], ids=lambda m: m.__name__)
def test_a_key_vault_that_means_no_good_is_given_up(tmp_path: Path, malice: Malice) -> None:
    """A secret has its time, however its answer comes; and an answer its size."""
    tls, authority = made_tls(tmp_path)
    with serving_malice(malice, tls) as url:
        vault = KeyVault(url, MadeCredential(), patience=1, connection_verify=str(authority))
        before = monotonic()

        with pytest.raises(VaultUnavailable):
            vault.secret("key")

        assert monotonic() - before < 10


def test_an_answer_that_is_too_large_is_not_taken(key_vault: KeyVaultServer) -> None:
    """However fast it comes, and whatever stands in it."""
    key_vault.secrets["key"] = "x" * MOST_BYTES
    with pytest.raises(VaultUnavailable):
        key_vault.vault().secret("key")


def test_a_refusal_is_counted_by_its_secret(key_vault: KeyVaultServer, metrics: Metrics) -> None:
    """One for each time that the vault says no, and none where it answers."""
    key_vault.secrets |= {"refused": KEY, "given": KEY}
    key_vault.refused["refused"] = "ForbiddenByRbac"
    vault = key_vault.vault()
    vault.secret("given")
    for _ in range(2):
        with pytest.raises(Denied):
            vault.secret("refused")
    assert metrics.told()["segment_export.vault.refusals"] == {("refused",): 2}


def test_a_key_vault_out_of_reach_is_asked_later() -> None:
    """Nobody listens on port 1."""
    vault = KeyVault("https://127.0.0.1:1", MadeCredential(), retry_total=0)

    with pytest.raises(VaultUnavailable):
        vault.secret("key")


def test_an_address_that_is_no_key_vault_gets_no_token(key_vault: KeyVaultServer) -> None:
    """A challenge for another host is refused, as an address that is set wrong."""
    key_vault.resource = "https://vault.azure.net"

    with pytest.raises(InvalidSettings):
        key_vault.vault().secret("key")


def test_no_key_in_a_repr(path: Path, key_vault: KeyVaultServer) -> None:
    """A vault that was asked shows nothing of what it said."""
    key_vault.secrets["key"] = KEY
    for vault in (file_vault(path, json.dumps({"key": KEY})), key_vault.vault()):
        assert vault.secret("key") == KEY
        assert KEY not in f"{vault!r} {vars(vault)}"


def test_the_settings_say_which_vault(path: Path) -> None:
    """A file, unless a vault is named."""
    assert isinstance(open_vault(Settings(secrets_file=path)), FileVault)
    key_vault = Settings(key_vault_url="https://made-up.vault.azure.net")
    assert isinstance(open_vault(key_vault), KeyVault)
    assert not open_vault(key_vault).is_writable
    assert open_vault(replace(key_vault, app_writes_secrets=True)).is_writable
