"""HTTP functions on the real engine: what they receive, and what their caller receives."""

import http.client
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

APP = """
import json
import threading

import azure.functions as func

bp = func.Blueprint()
both = threading.Barrier(2)
ANONYMOUS = func.AuthLevel.ANONYMOUS


def seen(req):
    return func.HttpResponse(
        json.dumps(
            {
                "method": req.method,
                "url": req.url,
                "headers": dict(req.headers),
                "query": dict(req.params),
                "route": dict(req.route_params),
                "body": req.get_body().decode("latin-1"),
            }
        ),
        mimetype="application/json",
    )


@bp.function_name("sync")
@bp.route(route="sync/{name}")
def sync(req: func.HttpRequest) -> func.HttpResponse:
    return seen(req)


@bp.function_name("async")
@bp.route(route="async/{name}")
async def asynchronous(req: func.HttpRequest) -> func.HttpResponse:
    return seen(req)


@bp.route(route="mirror", methods=["POST"])
def mirror(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body(), mimetype="application/octet-stream")


@bp.route(route="answer", methods=["GET", "PUT"], auth_level=ANONYMOUS)
def answer(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse(
        "caf\\u00e9",
        status_code=202,
        headers={"Location": "/api/runs/1"},
        mimetype="text/csv",
        charset="latin-1",
    )
    response.headers.add("Set-Cookie", "one=1; Path=/")
    response.headers.add("Set-Cookie", "two=2; HttpOnly")
    return response


@bp.route(route="words", auth_level=ANONYMOUS)
def words(req: func.HttpRequest) -> str:
    return "plain words"


@bp.route(route="together", auth_level=ANONYMOUS)
def together(req: func.HttpRequest) -> str:
    both.wait(10)
    return "together"


@bp.route(route="broken", auth_level=ANONYMOUS)
def broken(req: func.HttpRequest) -> str:
    raise LookupError("the cause")


@bp.route(route="leaving", auth_level=ANONYMOUS)
def leaving(req: func.HttpRequest) -> str:
    raise SystemExit(3)


app = func.FunctionApp()
app.register_functions(bp)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("http")
    (folder / "host.json").write_text('{"version": "2.0"}')
    (folder / "function_app.py").write_text(APP)
    return folder


@pytest.fixture(scope="module")
def client(
    folder: Path, hosting: Callable[..., AbstractContextManager[httpx.Client]]
) -> Iterator[httpx.Client]:
    with hosting(folder) as client:
        yield client


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_function_sees_the_whole_request(client: httpx.Client, kind: str) -> None:
    """Method, URL, headers, query, route parameters and body arrive as they were sent, decoded once."""
    seen = client.patch(
        f"/api/{kind}/a%20b%2Fc%25",
        params=[("tag", "x y"), ("tag", "z"), ("blank", "")],
        headers=[("X-Mark", "one"), ("X-Mark", "two")],
        content=b"\x00\xff",
    ).json()
    assert seen["method"] == "PATCH"
    assert seen["url"] == f"{client.base_url}/api/{kind}/a%20b%2Fc%25?tag=x+y&tag=z&blank="
    assert seen["headers"]["x-mark"] == "one,two"
    assert seen["query"] == {"tag": "x y,z"}
    assert seen["route"] == {"name": "a b%2Fc%"}
    assert seen["body"] == "\x00\xff"


def test_bytes_come_back_unchanged(client: httpx.Client) -> None:
    """Three megabytes of every byte there is go in and out again, sent in chunks too."""
    body = bytes(range(256)) * 12_000
    assert client.post("/api/mirror", content=body).content == body
    assert client.post("/api/mirror", content=iter([body[:1000], body[1000:]])).content == body


def test_a_response_keeps_all_its_parts(client: httpx.Client) -> None:
    """Status, headers, cookies, media type and charset reach the caller as the function set them."""
    response = client.get("/api/answer")
    assert (response.status_code, response.content) == (202, "café".encode("latin-1"))
    assert response.headers["content-type"] == "text/csv; charset=latin-1"
    assert response.headers["location"] == "/api/runs/1"
    assert response.headers.get_list("set-cookie") == ["one=1; Path=/", "two=2; HttpOnly"]


def test_a_returned_text_is_a_plain_answer(client: httpx.Client) -> None:
    """A function may return a str: 200, text/plain."""
    response = client.get("/api/words")
    assert (response.status_code, response.text) == (200, "plain words")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


def test_synchronous_functions_run_side_by_side(client: httpx.Client) -> None:
    """Two calls that wait for each other both get through."""
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(client.get, ["/api/together"] * 2))
    assert [answer.text for answer in answers] == ["together", "together"]


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({}, {}, 401),
        ({"x-functions-key": "wrong"}, {}, 401),
        ({"x-functions-key": "sésame"}, {}, 401),
        ({}, {"code": "wrong"}, 401),
        ({"x-functions-key": "sesame"}, {}, 200),
        ({}, {"code": "sesame"}, 200),
    ],
)
def test_the_key_opens(
    client: httpx.Client, headers: dict[str, str], query: dict[str, str], status: int
) -> None:
    """A function of the level `function` needs the key, in the header or as `code`."""
    encoded = httpx.Headers(headers, encoding="latin-1")
    for path in ("/api/sync/x", "/admin/functions", "/admin/host/status"):
        assert httpx.get(client.base_url.join(path), headers=encoded, params=query).status_code == status


def test_an_anonymous_function_needs_no_key(client: httpx.Client) -> None:
    """The level `anonymous` is open, and a wrong key does no harm."""
    assert httpx.get(client.base_url.join("/api/words")).status_code == 200
    assert httpx.get(client.base_url.join("/api/words?code=wrong")).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/unknown", "/words", "/api/sync", "/api/sync/a/b", "/admin"]
)
def test_an_unknown_route_is_not_found(client: httpx.Client, path: str) -> None:
    """A path without a route is a 404 without a body."""
    response = client.get(path)
    assert (response.status_code, response.content) == (404, b"")


def test_a_wrong_method_is_told_the_right_ones(client: httpx.Client) -> None:
    """A route that exists answers 405, with Allow, and asks for no key first."""
    response = httpx.delete(client.base_url.join("/api/answer"))
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, PUT")


def test_head_is_get_without_the_body(client: httpx.Client) -> None:
    """A route with GET also accepts HEAD, and responds with only the headers."""
    response = client.head("/api/answer")
    assert (response.status_code, response.content) == (202, b"")
    assert response.headers["content-length"] == "4"
    assert client.head("/api/mirror").status_code == 405


def test_a_function_that_raises_answers_500(client: httpx.Client, folder: Path) -> None:
    """The caller sees nothing of the cause; the log has all of it except the request."""
    response = client.post("/api/broken?mark=query-mark", content=b"body-mark", headers={"x": "header-mark"})
    assert (response.status_code, response.content) == (500, b"")
    log = (folder / "host.log").read_text()
    assert "LookupError: the cause" in log
    assert 'function_app.py", line' in log
    assert "-mark" not in log


def test_a_function_cannot_end_the_host(client: httpx.Client) -> None:
    """One that calls sys.exit() has failed, and the next one is served."""
    assert client.get("/api/leaving").status_code == 500
    assert client.get("/api/words").status_code == 200


def test_a_body_that_is_too_large_is_refused_unread(client: httpx.Client) -> None:
    """More than 100 MiB is a 413, before a byte of it is sent."""
    connection = http.client.HTTPConnection(client.base_url.host, client.base_url.port or 0, timeout=10)
    connection.putrequest("POST", "/api/mirror")
    connection.putheader("x-functions-key", "sesame")
    connection.putheader("Content-Length", str(100 * 1024 * 1024 + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


WAITING = """
import pathlib, time
import azure.functions as func

here = pathlib.Path(__file__).parent
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="slow")
def slow(req: func.HttpRequest) -> str:
    while not (here / "go").exists():
        time.sleep(0.01)
    (here / "done").touch()
    return "late"
"""


def test_a_slow_function_outlives_its_request(
    tmp_path: Path,
    hosting: Callable[..., AbstractContextManager[httpx.Client]],
    eventually: Callable[[Callable[[], bool]], None],
) -> None:
    """At the limit the caller gets a 504, the function continues, and its functionTimeout is recorded."""
    (tmp_path / "host.json").write_text(
        '{"functionTimeout": "00:00:01", "extensions": {"http": {"routePrefix": "own/prefix"}}}'
    )
    (tmp_path / "function_app.py").write_text(WAITING)
    with hosting(tmp_path, limit=0.2) as client:
        assert client.get("/admin/host/status").json() == {"state": "Running", "timedOut": []}
        assert client.get("/own/prefix/slow").status_code == 504
        eventually(lambda: client.get("/admin/host/status").json()["timedOut"] == ["slow"])
        (tmp_path / "go").touch()
        eventually((tmp_path / "done").exists)
        eventually(lambda: "Executed slow (succeeded" in (tmp_path / "host.log").read_text())
