"""`connections sign-in`: signs in at Klaviyo, with a callback on a port of this machine."""

from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import click

from cli.options import connection_argument, open_services, operator
from cli.terminal.entry import OK
from cli.terminal.output import print_line
from shared.adapters.clock import Deadline
from shared.administration import signing_in
from shared.catalog import Connection
from shared.errors import ExportError, InvalidSettings
from shared.services import Services

# Seconds to exchange the code.
ONLINE = 60
# Seconds that a browser may take to send its request.
SLOWEST = 5
DONE = "You have signed in. You can close this page."


@click.command("sign-in")
@connection_argument
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=7072, show_default=True, help="The port on 127.0.0.1."
)
def sign_in(connection: str, port: int) -> int:
    """Sign in at Klaviyo, or sign in again, for CONNECTION, which has "sign_in": "oauth".

    Prints an address to open in a browser on this machine, and waits ten minutes for Klaviyo to redirect the
    browser back. The app at Klaviyo must have http://127.0.0.1:PORT/api/oauth/callback as a redirect URL.

    Example: segment-export connections sign-in klaviyo-eu
    """
    services = open_services()
    try:
        server = _Server(("127.0.0.1", port), _Handler)
    except OSError as error:
        raise InvalidSettings(f"Port {port} can't be used: {error.strerror}. Choose another port.") from None
    with server:
        settings = replace(services.settings, public_url=f"http://127.0.0.1:{server.server_port}")
        services = replace(services, settings=settings)
        begun = signing_in.begin(services, operator(), connection)
        print_line(f"Open this address in a browser on this machine: {begun.authorize_url}")
        server.ends = lambda: services.clock.now() >= begun.expires_at
        made = server.wait_for(lambda query: _finish(services, query))
    account = made.account
    print_line(f"{made.id} opens the account {account.id} ({account.name})." if account else made.id)
    return OK


def _finish(services: Services, query: dict[str, str]) -> Connection:
    token, code, error = (query.get(name, "") for name in ("state", "code", "error"))
    deadline = Deadline(services.clock, ONLINE)
    return signing_in.finish(services, operator(), token, code, error, deadline).document


class _Server(HTTPServer):
    """Serves one request at a time, until one completes the sign-in or makes it fail."""

    timeout = 1.0
    ends: Callable[[], bool]
    finish: Callable[[dict[str, str]], Connection]
    made: Connection | None = None
    failure: ExportError | None = None

    def wait_for(self, finish: Callable[[dict[str, str]], Connection]) -> Connection:
        """Raises the error that made the sign-in fail."""
        self.finish = finish
        while self.made is None:
            if self.failure is not None:
                raise self.failure
            if self.ends():
                raise signing_in.SignInFailed("No one signed in within ten minutes. Start again.")
            self.handle_request()
        return self.made


class _Handler(BaseHTTPRequestHandler):
    timeout = SLOWEST
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        status, text = 404, "This page does not exist."
        if parts.path == signing_in.CALLBACK:
            try:
                self.server.made = self.server.finish(dict(parse_qsl(parts.query)))
                status, text = 200, DONE
            except ExportError as error:
                status, text = 400, error.message
                if error.code != "unknown_state":  # anyone can have sent that
                    self.server.failure = error
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: a request's address contains a code."""
