"""One exchange with Klaviyo, bounded in time and size no matter how the answer arrives.

The timeouts given to httpx here are points in time, which shared/adapters/streams.py enforces.

A query can contain addresses and ids of people. httpx logs URLs and puts them into its errors, and
OpenTelemetry puts them into spans: so the URL that both see has no query, which is added below them.
"""

import time
import zlib
from collections.abc import Iterable, Mapping

import httpcore
import httpx

from shared.adapters.streams import open_pool
from shared.errors import KlaviyoUnavailable
from shared.klaviyo.answers import Answer
from shared.klaviyo.body import Body

# Four accounts side by side with eight posts each, and a few reads.
CONNECTIONS = httpx.Limits(max_connections=40, max_keepalive_connections=40)
CONNECT_SECONDS = 10.0
# Bytes of an answer, decompressed. A refusal that names each of 10,000 profiles takes about half of that.
MOST_BYTES = 8_000_000
# The name of the extension that carries the query past httpx.
QUERY = "segment_export.query"


class Wire:
    """Connections to one origin: reused and thread-safe; redirects are not followed."""

    def __init__(self, url: str) -> None:
        transport = _Transport(open_pool(url, CONNECTIONS))
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
        """Sends a request and returns the answer, within `seconds`; `url` has no query.

        Raises KlaviyoUnavailable if no answer arrives by then, or if the connection fails.
        """
        ends = time.monotonic() + seconds
        try:
            with self._client.stream(
                method,
                url,
                extensions={QUERY: query.encode()},
                # Klaviyo's edge uses gzip anyway, and it is the only compression that is supported here.
                headers={**headers, "accept-encoding": "gzip"},
                # An iterator, which is used up: the response refers to itself and would keep the body alive.
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
    """The content, decompressed; empty if it is too large or compressed in another way than requested.

    If some of it is left unread, the connection closes.
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
    """httpx's transport, with queries that httpx does not see; its constructor would only create a pool."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = _Pool(pool)  # type: ignore[assignment]


class _Pool:
    """A pool of connections that adds the query to the URL of each request."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool
        self.close = pool.close

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        if query := request.extensions[QUERY]:
            request.url.target += b"?" + query
        return self._pool.handle_request(request)
