"""A person at Klaviyo's page, and a world whose app people can sign in to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any, override
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

from shared.adapters.clock import Deadline
from shared.administration import signing_in
from shared.administration.connecting import NewConnection, add
from shared.administration.rights import Person, Role
from shared.catalog import Connection
from shared.services import Services
from tests.support.world import World

PUBLIC_URL = "http://127.0.0.1:7071"
CLIENT, SECRET = "sandbox-app", "sandbox-app-secret"
SETTINGS = {"PUBLIC_URL": PUBLIC_URL, "KLAVIYO_CLIENT_ID": CLIENT}
ADA = Person("ada@example.org", Role.ADMINISTRATOR, "00000000-0000-4000-8000-00000000ada0")


class _Page(HTMLParser):
    """The form of a page: where it goes, and its hidden fields."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.buttons: set[str] = set()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        match tag:
            case "form":
                self.action = given["action"]
            case "input":
                self.fields[given["name"]] = given["value"]
            case "button":
                self.buttons.add(given["value"])


def click(authorize_url: str, decision: str = "allow", account: str = "SNDBOX") -> str:
    """Opens the page, chooses, and returns where Klaviyo sends the browser."""
    with httpx.Client(timeout=10) as browser:
        page = _Page()
        page.feed(browser.get(authorize_url).raise_for_status().text)
        assert decision in page.buttons
        form = page.fields | {"decision": decision, "account": account}
        answered = browser.post(urljoin(authorize_url, page.action), data=form)
    assert answered.status_code == 303, answered.text
    return answered.headers["location"]


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


def with_app(world: World) -> Services:
    """The world's services with an OAuth app, whose secret is added to the vault."""
    world.replace_key(SECRET, "klaviyo-client-secret")
    settings = replace(world.services.settings, public_url=PUBLIC_URL, klaviyo_client_id=CLIENT)
    return replace(world.services, settings=settings)


def sign_in(services: Services, connection_id: str, account: str = "SNDBOX") -> Connection:
    """Signs in to a connection from the beginning to the end."""
    begun = signing_in.begin(services, ADA, connection_id)
    given = query_of(click(begun.authorize_url, account=account))
    deadline = deadline_of(services)
    return signing_in.finish(services, ADA, given["state"], given["code"], "", deadline).document


def deadline_of(services: Services, seconds: float = 60) -> Deadline:
    return Deadline(services.clock, seconds)


def connected(services: Services, connection_id: str = "eu") -> Connection:
    """A new connection that somebody has signed in to."""
    wish = NewConnection(
        id=connection_id, display_name="Klaviyo EU", sign_in="oauth", api_key=None, consent=True
    )
    add(services, ADA, wish, deadline_of(services))
    return sign_in(services, connection_id)


def tokens_in(services: Services, connection: Connection) -> dict[str, Any]:
    """What the vault has of a connection."""
    tokens: dict[str, Any] = json.loads(services.vault.secret(connection.secret_name))
    return tokens


def refreshes(world: World) -> int:
    """How many requests for tokens reached the stand-in since this was last asked."""
    count = sum(request.path == "/oauth/token" for request in world.stand_in.requests)
    world.stand_in.requests.clear()
    return count


@contextmanager
def another_process(services: Services) -> Iterator[Services]:
    """The services as another process has them: with a memory of its own."""
    with Services.from_settings(services.settings, services.clock) as others:
        yield others
