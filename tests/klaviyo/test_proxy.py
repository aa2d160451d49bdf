"""Requests through a proxy of the environment's, which sees where they go and not what they ask for."""

import socket
import threading
from pathlib import Path

import pytest

from shared.klaviyo.wire import Wire
from tests.support.hostile import made_tls

ORIGIN = "127.0.0.1:1"  # nobody is there: only the proxy is ever connected to
DONE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


def test_a_query_goes_through_a_tunnel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy is asked for a tunnel to Klaviyo, and the query is sent within."""
    tls, authority = made_tls(tmp_path)
    lines: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        lines.append(connection.recv(4_096).partition(b"\r\n")[0])
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with tls.wrap_socket(connection, server_side=True) as inner:
            lines.append(inner.recv(4_096).partition(b"\r\n")[0])
            inner.sendall(DONE)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{listener.getsockname()[1]}")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        wire = Wire(f"https://{ORIGIN}")
        url = f"https://{ORIGIN}/api/profiles"
        answer = wire.exchange("GET", url, "filter=any%28email%29", 30, headers={}, body=None)
        wire.close()

    assert answer.status == 200
    assert lines == [
        f"CONNECT {ORIGIN} HTTP/1.1".encode(),
        b"GET /api/profiles?filter=any%28email%29 HTTP/1.1",
    ]
