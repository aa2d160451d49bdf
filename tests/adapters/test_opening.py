"""How stores are opened: by URL, as whom, and at what price."""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from shared.adapters.credential import azure_credential
from shared.adapters.storage import open_store
from shared.adapters.storage.blobs import BlobStore
from shared.adapters.storage.folder import FolderStore
from shared.errors import Denied, InvalidSettings
from tests.support.azurite import Azurite, running_azurite
from tests.support.vault import MadeCredential


def token(audience: str = "https://storage.azure.com") -> str:
    """A token as Microsoft Entra gives them, but for its signature, which Azurite does not look at."""
    now = int(time.time())
    claims = {
        "aud": audience,
        "iss": "https://sts.windows.net/made-up/",
        "iat": now,
        "nbf": now,
        "exp": now + 600,
    }
    parts = (json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + ".c2lnbmVk"


@pytest.fixture
def azurite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azurite]:
    """An Azurite that speaks TLS and takes tokens."""
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    server.private_key_pem.write_to_path(tmp_path / "key.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    tls = ("--oauth", "basic", "--cert", str(tmp_path / "cert.pem"), "--key", str(tmp_path / "key.pem"))
    with running_azurite(*tls) as running:
        yield running


def test_a_managed_identity_opens_blobs_by_its_token(azurite: Azurite) -> None:
    """Over TLS, an https URL is opened with the credential's token, and another audience's is denied."""
    url = azurite.container()
    assert url.startswith("https://")
    store = open_store(url, MadeCredential(token()))
    etag = store.write("a", b"1")
    assert store.read("a").etag == etag
    with pytest.raises(Denied):
        open_store(url, MadeCredential(token("https://made-up.example.org"))).read("a")


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("file:./data/state", FolderStore),
        ("file:/data/state", FolderStore),
        ("https://made-up.blob.core.windows.net/exports", BlobStore),
        ("http://localhost:10000/devstoreaccount1/exports/a/b", BlobStore),
    ],
)
def test_the_url_says_which_store(url: str, kind: type) -> None:
    """A folder, a container in Azure, or an emulator's; opening asks nobody."""
    assert type(open_store(url)) is kind


def test_one_process_has_one_credential() -> None:
    """Storage and vault share one, so that a token is fetched once."""
    assert azure_credential() is azure_credential()


def test_a_folder_costs_no_azure() -> None:
    """Who has folders and a secrets file starts without Azure's libraries."""
    script = (
        "import sys; from pathlib import Path; from shared.adapters.storage import open_store;"
        "from shared.adapters.vault import open_vault; from shared.settings import Settings;"
        "open_store('file:./data/state'); open_vault(Settings());"
        "print([name for name in sys.modules if name.startswith('azure')])"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org",
        "https://example.org/",
        "http://127.0.0.1/account",
        "https://example.org/container/a/../b",
        "http://example.org/container",
        "ftp://example.org/container",
        "data/segments",
    ],
)
def test_a_url_that_is_no_store_is_refused(url: str) -> None:
    """A container must be named, and plain http stays on loopback."""
    with pytest.raises(InvalidSettings):
        open_store(url)
