"""Requests pages in this process, as signed-in people; each module has its own world."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from page_trigger.routes import PAGES, ROOT
from page_trigger.visits import Page, answer
from sandbox.people import People
from shared.adapters.http import HttpCall
from shared.administration.rights import Person, Role
from shared.api.callers import play
from shared.settings import Auth
from tests.support.world import World, a_world_of_this_process

HOST = "127.0.0.1:7071"
ADA = Person("ada@example.org", Role.ADMINISTRATOR, "00000000-0000-4000-8000-00000000ada0")
CARL = Person("carl@example.org", Role.CONTRIBUTOR, "00000000-0000-4000-8000-00000000ca21")
VERA = Person("vera@example.org", Role.VIEWER, "00000000-0000-4000-8000-00000000be2a")
TOKEN = "a-token-of-this-browser"

type Fields = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Seen:
    """A page as it was sent."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def place(self) -> str:
        """The path of the redirect, without its query."""
        return self.headers["location"].partition("?")[0]


class Browser:
    """Asks for pages as a browser does that has the cookie; forms bring its token, unless they are to have
    another one."""

    def get(self, path: str, *, by: Person | None = ADA, auth: Auth = Auth.LOCAL, **headers: str) -> Seen:
        return self.ask("GET", path, b"", by, auth, headers)

    def post(
        self, path: str, fields: Fields, *, by: Person | None = ADA, token: str = TOKEN, **headers: str
    ) -> Seen:
        content = urlencode({"token": token, **fields}, doseq=True).encode()
        given = {"content-type": "application/x-www-form-urlencoded"} | headers
        return self.ask("POST", path, content, by, Auth.LOCAL, given)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes,
        by: Person | None = ADA,
        auth: Auth = Auth.LOCAL,
        headers: Mapping[str, str] | None = None,
    ) -> Seen:
        parts = urlsplit(path)
        page, parameters = _found(parts.path.strip("/"))
        given = {"host": HOST, "cookie": f"segment-export={TOKEN}"}
        given |= {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        http = HttpCall(method, f"http://{HOST}{path}", given, dict(parse_qsl(parts.query)), parameters, body)
        play(by)
        try:
            made = answer(page, http, auth)
        finally:
            play(None)
        return Seen(made.status, made.body.decode(), made.headers)


def _found(path: str) -> tuple[Page, dict[str, str]]:
    for page in PAGES:
        template = "" if page.path == ROOT else page.path
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
        if match := re.fullmatch(pattern, path):
            return page, match.groupdict()
    raise LookupError(path)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with a_world_of_this_process(tmp_path_factory.mktemp("world")) as world:
        world.segment(People(50, dirt=True))
        yield world


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser()
