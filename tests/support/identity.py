"""The identity endpoint that Azure gives a function app, on loopback, for the real credentials.

https://learn.microsoft.com/azure/app-service/overview-managed-identity, "REST endpoint reference".
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

HEADER = "made-identity-header"


@contextmanager
def running_identity(client_id: str, token: str) -> Iterator[dict[str, str]]:
    """Serves tokens for one user-assigned identity; yields the environment that points to it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            known = self.headers["X-IDENTITY-HEADER"] == HEADER and query.get("client_id") == [client_id]
            answer = {
                "access_token": token,
                "expires_on": str(int(time.time()) + 3600),
                "resource": query["resource"][0],
                "token_type": "Bearer",
            }
            content = json.dumps(answer if known else {"statusCode": 400}).encode()
            self.send_response(200 if known else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield {
                "IDENTITY_ENDPOINT": f"http://127.0.0.1:{server.server_port}/msi/token",
                "IDENTITY_HEADER": HEADER,
                "AZURE_CLIENT_ID": client_id,
            }
        finally:
            server.shutdown()
            thread.join()
