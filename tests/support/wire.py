"""A wire to an HTTP server that can lose an answer, give another one, or fall silent."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

Answer = tuple[int, Mapping[str, str], bytes]


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wire: "Wire"
    content: bytes

    def relay(self) -> None:
        self.content = self.rfile.read(int(self.headers["Content-Length"] or 0))
        answer = self.wire.handle(self)
        if answer is None:
            self.close_connection = True
            return
        status, headers, body = answer
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        # The answer to a HEAD tells the length of a body that does not come.
        length = headers.get("content-length", "0") if self.command == "HEAD" else str(len(body))
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


class Wire:
    """Passes requests on, but for those that meet a fault; each fault is for one request, in turn.

    `requests` holds method and headers of every request that came.
    """

    def __init__(self, target: str) -> None:
        self.url = ""
        self.requests: list[tuple[str, dict[str, str]]] = []
        self._target = urlsplit(target).netloc
        self._faults: deque[Callable[[_Request], Answer | None]] = deque()
        self._closed = Event()

    def pass_on(self, requests: int) -> None:
        """So many requests meet no fault before the next one does."""
        self._faults.extend([self.forward] * requests)

    def lose_answer(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """The server does what it is asked, then `meanwhile` happens, and the client hears nothing."""

        def lose(request: _Request) -> None:
            self.forward(request)
            meanwhile()

        self._faults.append(lose)

    def answer(self, status: int, headers: Mapping[str, str]) -> None:
        """The server is not asked at all."""
        self._faults.append(lambda request: (status, headers, b""))

    def fall_silent(self) -> None:
        """The connection stays open, and nothing comes."""

        def wait(request: _Request) -> None:
            self._closed.wait()

        self._faults.append(wait)

    def handle(self, request: _Request) -> Answer | None:
        """What the client gets; None closes its connection."""
        self.requests.append((request.command, dict(request.headers)))
        return self._faults.popleft()(request) if self._faults else self.forward(request)

    def forward(self, request: _Request) -> Answer:
        connection = HTTPConnection(self._target)
        try:
            connection.request(request.command, request.path, request.content, dict(request.headers))
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()
        finally:
            connection.close()

    def close(self) -> None:
        self._closed.set()


@contextmanager
def wire_to(target: str) -> Iterator[Wire]:
    """A wire on a free port of 127.0.0.1 to the server at `target`."""
    wire = Wire(target)
    methods = dict.fromkeys(("do_GET", "do_HEAD", "do_PUT", "do_DELETE"), _Request.relay)
    handler = type("Request", (_Request,), {"wire": wire, **methods})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        wire.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield wire
        finally:
            wire.close()
            server.shutdown()
            thread.join()
