"""A server that behaves as Azure Key Vault does, over TLS on loopback, for the real SecretClient."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import trustme
from azure.core.credentials import AccessToken

from shared.adapters.vault import KeyVault

TOKEN = "made-token"


@dataclass
class MadeCredential:
    """A credential whose token the server takes, unless it is another."""

    token: str = TOKEN

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(self.token, 4_102_444_800)


@dataclass
class KeyVaultServer:
    """What the vault holds and how it answers: both may be changed while it runs."""

    url: str
    ca: Path
    secrets: dict[str, str] = field(default_factory=dict)
    # The code that a 403 for the secret tells.
    refused: dict[str, str] = field(default_factory=dict)
    expired: set[str] = field(default_factory=set)
    # Whom a token has to be for; None: for the domain that the vault lies in, as it has to be.
    resource: str | None = None
    # Answered to every request, with this `Retry-After`, until it is None again.
    failing: int | None = None
    retry_after: str = "7"
    # Whether the token may write secrets.
    is_writable: bool = True
    # Removed ones, whose names stay taken.
    removed: set[str] = field(default_factory=set)

    def _challenge(self) -> str:
        """Where to get a token, and for whom: the client insists that the vault lies in that domain."""
        tenant = "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000"
        domain = urlsplit(self.url).netloc.partition(".")[2]
        return f'Bearer authorization="{tenant}", resource="{self.resource or f"https://{domain}"}"'

    def vault(self, credential: MadeCredential | None = None, *, is_writable: bool = False) -> KeyVault:
        """Our vault over the real client, which trusts this server and asks it once; whether it is told that
        the app writes secrets."""
        return KeyVault(
            self.url,
            credential or MadeCredential(),
            connection_verify=str(self.ca),
            retry_total=0,
            is_writable=is_writable,
        )

    def answer(
        self, method: str, path: str, authorization: str | None, content: bytes
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Status, headers and body, as Key Vault gives them."""
        name = path.strip("/").split("/")[1]
        if self.failing:
            return self.failing, {"Retry-After": self.retry_after}, _error("Unavailable")
        if authorization != f"Bearer {TOKEN}":
            return 401, {"WWW-Authenticate": self._challenge()}, _error("Unauthorized")
        if method != "GET" and not self.is_writable:
            return 403, {}, _error("Forbidden", inner="ForbiddenByRbac")
        if method == "PUT" and name in self.removed:
            return 409, {}, _error("Conflict", inner="ObjectIsDeletedButRecoverable")
        if method == "PUT":
            self.secrets[name] = json.loads(content)["value"]
        if name not in self.secrets:
            return 404, {}, _error("SecretNotFound")
        if name in self.refused:
            return 403, {}, _error("Forbidden", inner=self.refused[name])
        if method == "DELETE":
            self.removed.add(name)
            identifier = f"{self.url}/deletedsecrets/{name}"
            del self.secrets[name]
            return 200, {}, {"recoveryId": identifier, "id": f"{self.url}/secrets/{name}/1", "attributes": {}}
        attributes = {"enabled": True} | ({"exp": 1_600_000_000} if name in self.expired else {})
        identifier = f"{self.url}/secrets/{name}/00000000000000000000000000000001"
        return 200, {}, {"value": self.secrets[name], "id": identifier, "attributes": attributes}


def _error(code: str, *, inner: str | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": "a message of the vault's"}
    return {"error": error | ({"innererror": {"code": inner}} if inner else {})}


@contextmanager
def running_key_vault(folder: Path) -> Iterator[KeyVaultServer]:
    """Serves an empty vault on a free port of 127.0.0.1; `folder` takes its certificate authority."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            given = self.rfile.read(int(self.headers["Content-Length"] or 0))
            status, headers, body = vault.answer(
                self.command, urlsplit(self.path).path, self.headers["Authorization"], given
            )
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in (headers | {"Content-Type": "application/json"}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_PUT = do_DELETE = do_GET  # noqa: N815 - named by the library

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        vault = KeyVaultServer(f"https://127.0.0.1:{server.server_port}", folder / "ca.pem")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield vault
        finally:
            server.shutdown()
            thread.join()
