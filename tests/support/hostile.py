"""A server on loopback that answers for the account as Klaviyo does, and everything else with malice."""

import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import repeat
from pathlib import Path

import orjson
import trustme

ACCOUNT = {"id": "A1", "attributes": {"contact_information": {"organization_name": "Made"}}}
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
JSON = HEAD + b"content-type: application/vnd.api+json\r\n"
# Seconds between two bytes of what drips: far below any timeout from read to read.
DRIP = 0.1

type Malice = Callable[[socket.socket, threading.Event], None]


def endless(connection: socket.socket, over: threading.Event) -> None:
    """An answer without an end."""
    _send(connection, over, CHUNKED, repeat(b"10000\r\n" + b'"a",' * 16_384 + b"\r\n"))


def long(connection: socket.socket, over: threading.Event) -> None:
    """A gigabyte, as its head says."""
    head = JSON + b'content-length: 1000000000\r\n\r\n{"data":['
    _send(connection, over, head, repeat(b'"a",' * 16_384))


def tiny_chunks(connection: socket.socket, over: threading.Event) -> None:
    """Each byte in a chunk of its own, as fast as they go."""
    _send(connection, over, CHUNKED, repeat(b"1\r\na\r\n" * 10_000))


def dripping(connection: socket.socket, over: threading.Event) -> None:
    """A byte of the content now and then."""
    _drip(connection, over, JSON + b"content-length: 100000\r\n\r\n")


def dripping_head(connection: socket.socket, over: threading.Event) -> None:
    """A byte of a header now and then."""
    _drip(connection, over, HEAD + b"x-made: ")


def endless_head(connection: socket.socket, over: threading.Event) -> None:
    """Headers without an end."""
    _send(connection, over, HEAD, repeat(b"x-made: up\r\n" * 1_000))


def endless_continue(connection: socket.socket, over: threading.Event) -> None:
    """Never more than an interim answer."""
    _send(connection, over, b"", repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 100))


def bomb(connection: socket.socket, over: threading.Event) -> None:
    """A gigabyte, packed into one megabyte."""
    packer = zlib.compressobj(9, wbits=-15)
    # A whole number of blocks, so that they can be sent again and again.
    zeros = packer.compress(bytes(10_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    begin = _chunk(b"\x1f\x8b\x08\0\0\0\0\0\0\xff")
    head = CHUNKED[:-2] + b"content-encoding: gzip\r\n\r\n" + begin
    _send(connection, over, head, repeat(_chunk(zeros), 100))


def behind_the_end(connection: socket.socket, over: threading.Event) -> None:
    """A packed answer that is over, and goes on."""
    packed = zlib.compressobj(wbits=31)
    whole = packed.compress(b'{"data":[]}') + packed.flush()
    head = CHUNKED[:-2] + b"content-encoding: gzip\r\n\r\n" + _chunk(whole)
    _send(connection, over, head, repeat(_chunk(bytes(65_536))))


def nested(connection: socket.socket, over: threading.Event) -> None:
    """As deep as it is long."""
    _whole(connection, over, b'{"data":' + b"[" * 7_900_000)


def many_lists(connection: socket.socket, over: threading.Event) -> None:
    """Millions of small values, each of which takes many times its length."""
    _whole(connection, over, b'{"data":[' + b"[]," * 2_600_000 + b"[]]}")


def many_members(connection: socket.socket, over: threading.Event) -> None:
    """Millions of members."""
    _whole(connection, over, b'{"data":{' + b",".join(b'"%x":0' % n for n in range(750_000)) + b"}}")


def silent(connection: socket.socket, over: threading.Event) -> None:
    """Nothing at all."""
    over.wait()


def slow_reader(connection: socket.socket, over: threading.Event) -> None:
    """Takes the request in, some bytes now and then."""
    while not over.wait(DRIP) and connection.recv(1_000):
        pass


MALICE = (
    endless,
    long,
    tiny_chunks,
    dripping,
    dripping_head,
    endless_head,
    endless_continue,
    bomb,
    behind_the_end,
    nested,
    many_lists,
    many_members,
    silent,
    slow_reader,
)


def _send(connection: socket.socket, over: threading.Event, head: bytes, pieces: Iterator[bytes]) -> None:
    connection.sendall(head)
    for piece in pieces:
        if over.is_set():
            return
        connection.sendall(piece)


def _drip(connection: socket.socket, over: threading.Event, head: bytes) -> None:
    connection.sendall(head)
    while not over.wait(DRIP):
        connection.sendall(b"a")


def _whole(connection: socket.socket, over: threading.Event, content: bytes) -> None:
    connection.sendall(JSON + b"content-length: %d\r\n\r\n" % len(content) + content)
    over.wait(1)


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n" % len(piece) + piece + b"\r\n"


def _answer(
    accepted: socket.socket, malice: Malice, over: threading.Event, tls: ssl.SSLContext | None
) -> None:
    with suppress(OSError), tls.wrap_socket(accepted, server_side=True) if tls else accepted as connection:
        while head := connection.recv(4_096):
            if not head.startswith(b"GET /api/accounts"):
                malice(connection, over)
                return
            content = orjson.dumps({"data": [ACCOUNT]})
            connection.sendall(JSON + b"content-length: %d\r\n\r\n" % len(content) + content)


def made_tls(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """What a server of 127.0.0.1 shows, and the file of the authority that signed it."""
    authority, file = trustme.CA(), folder / "authority.pem"
    authority.cert_pem.write_to_path(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context, file


@contextmanager
def serving_malice(malice: Malice, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serves it on a free port of 127.0.0.1, over TLS if told how, and yields the URL."""
    over = threading.Event()
    with socket.socket() as listener:
        # Inherited by each connection: else the machine takes megabytes in that nobody has read.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def accept() -> None:
            with suppress(OSError):
                while True:
                    arguments = (listener.accept()[0], malice, over, tls)
                    threading.Thread(target=_answer, args=arguments, daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
