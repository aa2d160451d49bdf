"""Serves an app over TLS at an address that is not known as loopback, though it is: 127.0.0.2."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme
import uvicorn
from starlette.types import ASGIApp

ADDRESS = "127.0.0.2"


@contextmanager
def serving_tls(app: ASGIApp, folder: Path) -> Iterator[tuple[str, Path]]:
    """Yields the URL, and the file of the authority that signed its certificate."""
    authority, chain = folder / "authority.pem", folder / "server.pem"
    signer = trustme.CA()
    signer.cert_pem.write_to_path(str(authority))
    signer.issue_cert(ADDRESS).private_key_and_cert_chain_pem.write_to_path(str(chain))
    server = uvicorn.Server(
        uvicorn.Config(app, host=ADDRESS, port=0, ssl_certfile=str(chain), log_config=None, lifespan="on")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"https://{ADDRESS}:{port}", authority
    finally:
        server.should_exit = True
        thread.join()
