"""Connections whose timeouts are points in time: an exchange ends in time, no matter how its bytes arrive.

httpx's timeouts count from read to read: a server that sends a byte a second never exceeds one. So each
timeout given to these streams is a point in time (monotonic, in seconds), by which they connect, send the
request, and read headers and content.
"""

import logging
import time
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import Any, override
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

# These loggers of httpcore log hosts and the headers of answers; a redirect's can repeat a query.
for _part in ("connection", "http11", "proxy"):
    logging.getLogger(f"httpcore.{_part}").disabled = True
# The size of a TLS record: larger pieces would be sent in parts, each of which could take all the time.
PIECE = 16_384


def open_pool(url: str, limits: httpx.Limits) -> httpcore.ConnectionPool:
    """Connections to one origin, as httpx creates them: its certificates, and the environment's proxy."""
    # The http URL of a stand-in needs no certificates: loading them takes longer than anything else here.
    trusted = SSLContext(PROTOCOL_TLS_CLIENT) if url.startswith("http:") else httpx.create_ssl_context()
    pool = httpx.HTTPTransport(verify=trusted, limits=limits, proxy=proxy_for(url))._pool
    # httpx offers no other way to reach the streams of its pool.
    pool._network_backend = _Backend(pool._network_backend)
    return pool


class _Backend(httpcore.NetworkBackend):
    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    @override
    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **options: Any
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._backend.connect_tcp(host, port, left, *args, **options))


class _Stream(httpcore.NetworkStream):
    """A stream whose timeouts are points in time."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            self._stream.write(buffer[start : start + PIECE], _left(timeout, httpcore.WriteTimeout))

    @override
    def close(self) -> None:
        self._stream.close()

    @override
    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(moment: float | None, late: type[httpcore.TimeoutException]) -> float:
    """Seconds until the point in time; raises `late` if it is over or was not given."""
    left = 0.0 if moment is None else moment - time.monotonic()
    if left <= 0:
        raise late("the time is over")
    return left


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for this origin."""
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"
