"""A receiver of webhooks on loopback: it keeps what comes, and answers as it is told."""

import base64
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from threading import Thread
from typing import Any

from tests.support.world import World

SECRET = "ops-webhook"
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# In the address, as many services have a token in theirs.
TOKEN = "tokenofthehook"


@dataclass(frozen=True)
class Message:
    """A request as it came; names of headers in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        return json.loads(self.body)

    def is_signed_with(self, key: str) -> bool:
        """As standardwebhooks.com has a receiver verify it; HMAC is that of RFC 2104."""
        parts = [self.headers[name].encode() for name in ("webhook-id", "webhook-timestamp")]
        block = base64.b64decode(key.removeprefix("whsec_")).ljust(64, b"\0")
        inner = sha256(bytes(byte ^ 0x36 for byte in block) + b".".join([*parts, self.body])).digest()
        outer = sha256(bytes(byte ^ 0x5C for byte in block) + inner).digest()
        return f"v1,{base64.b64encode(outer).decode()}" in self.headers["webhook-signature"].split()


@dataclass
class Receiver:
    """What came, and the answers to come, each a status and headers; then 204. `meanwhile` is called before
    each answer."""

    url: str
    messages: list[Message] = field(default_factory=list)
    answers: deque[tuple[int, Mapping[str, str]]] = field(default_factory=deque)
    meanwhile: Callable[[], object] = lambda: None

    @property
    def address(self) -> str:
        return f"{self.url}/{TOKEN}?code={TOKEN}"

    def answer(self, *statuses: int, **headers: str) -> None:
        self.answers.extend((status, headers) for status in statuses)


@contextmanager
def receiving(tls: SSLContext | None = None) -> Iterator[Receiver]:
    """Receives on a free port of 127.0.0.1, over TLS if told how."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.messages.append(Message(self.path, headers, body))
            receiver.meanwhile()
            status, answered = receiver.answers.popleft() if receiver.answers else (204, {})
            self.send_response_only(status)
            for name, value in answered.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        receiver = Receiver(f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def notify_of(world: World, value: str) -> None:
    """Sets NOTIFY_SECRET, and the secret to this value."""
    settings = replace(world.services.settings, notify_secret=SECRET)
    world.services = replace(world.services, settings=settings)
    world.replace_key(value, SECRET)
