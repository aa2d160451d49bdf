"""One exchange with Klaviyo, bounded in time and size however the answer comes. Only this file knows httpx.

httpx's timeouts count from read to read: a server that sends a byte a second never runs into one. So each
timeout that it gets here is a moment (monotonic, in seconds), and the streams beneath it do nothing beyond
that moment: they connect, send the request, and read headers and content before it.

A query can hold addresses and ids of people. httpx logs URLs and has them in its errors, and OpenTelemetry
puts them into spans: so the URL that both see has no query, which is added beneath them.
"""

import logging
import time
import zlib
from collections.abc import Iterable, Mapping
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from typing import Any, override
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from shared.errors import KlaviyoUnavailable
from shared.klaviyo.answers import Answer
from shared.klaviyo.body import Body

# Four accounts side by side with eight posts each, and a few reads.
CONNECTIONS = httpx.Limits(max_connections=40, max_keepalive_connections=40)
CONNECT_SECONDS = 10.0
# Of an answer's content, unpacked. A refusal that names each of 10,000 profiles takes about half of that.
MOST_BYTES = 8_000_000
# The name under which a query goes past httpx.
QUERY = "segment_export.query"

# httpcore logs the headers of answers here, and a redirect's can repeat the query.
logging.getLogger("httpcore.http11").disabled = True
# As much as TLS sends at once: more would be sent in parts, each of which could take all the time.
PIECE = 16_384


class Wire:
    """Connections to one origin: reused, safe for threads, and without following redirects."""

    def __init__(self, url: str) -> None:
        # A stand-in's URL needs no authorities: loading them takes longer than anything else here.
        trusted = SSLContext(PROTOCOL_TLS_CLIENT) if url.startswith("http:") else httpx.create_ssl_context()
        transport = _Transport(verify=trusted, limits=CONNECTIONS, proxy=proxy_for(url))
        self._client = httpx.Client(transport=transport, follow_redirects=False)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def exchange(
        self,
        method: str,
        url: str,
        query: str,
        seconds: float,
        *,
        headers: Mapping[str, str],
        body: Body | None,
    ) -> Answer:
        """Sends a request and returns the answer, within so many seconds; `url` has no query.

        Raises KlaviyoUnavailable if there is no answer by then, or if the connection fails.
        """
        ends = time.monotonic() + seconds
        try:
            with self._client.stream(
                method,
                url,
                extensions={QUERY: query.encode()},
                # Klaviyo's edge compresses in this way anyway, and it is the only one that is unpacked here.
                headers={**headers, "accept-encoding": "gzip"},
                # An iterator that gets used up: the response refers to itself and would keep the body alive.
                content=iter(body) if body else None,
                timeout=httpx.Timeout(
                    connect=min(ends, time.monotonic() + CONNECT_SECONDS), read=ends, write=ends, pool=seconds
                ),
            ) as response:
                answered = {name.lower(): value for name, value in response.headers.items()}
                content = _content(response.iter_raw(), answered.get("content-encoding", ""))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise KlaviyoUnavailable("Klaviyo can't be reached.", sent=False) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError):
            raise KlaviyoUnavailable("The connection to Klaviyo broke before the answer arrived.") from None
        return Answer.of(response.status_code, answered, content)


def _content(chunks: Iterable[bytes], encoding: str) -> bytearray:
    """The content, unpacked; empty if it is too large or compressed in another way than requested.

    If some of it was left unread, the connection closes.
    """
    content = bytearray()
    if encoding.lower() not in ("", "identity", "gzip"):
        return content
    unpacker = zlib.decompressobj(wbits=31) if encoding.lower() == "gzip" else None
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if unpacker is None:
            content += chunk
        elif not unpacker.eof:  # nothing after its end belongs to it
            try:
                content += unpacker.decompress(chunk, MOST_BYTES + 1 - len(content))
            except zlib.error:
                return bytearray()
        if max(size, len(content)) > MOST_BYTES:
            return bytearray()
    return content


class _Transport(httpx.HTTPTransport):
    """httpx's own, over streams whose timeouts are moments, and with queries that httpx does not see."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # httpx offers no other way to reach the streams of its pool.
        self._pool._network_backend = _Backend(self._pool._network_backend)
        self._pool = _Pool(self._pool)  # type: ignore[assignment]


class _Pool:
    """A pool of connections that adds the query to the URL of each request."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool
        self.close = pool.close

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        if query := request.extensions[QUERY]:
            request.url.target += b"?" + query
        return self._pool.handle_request(request)


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
    """A stream whose timeouts are moments."""

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
    """Seconds until the moment; raises `late` if it is over or was not given."""
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
