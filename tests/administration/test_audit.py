"""Who changed what: an entry for each change, before it is made, on both kinds of store."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from shared import state
from shared.adapters.storage.store import Store
from shared.administration.audit import Filter, audited, read_audit
from shared.administration.rights import Action, Person, Role
from shared.errors import Changed, StorageUnavailable
from shared.services import Services
from tests.administration.conftest import ADA, CARL, ROUTES, Api
from tests.support.stores import ActingStore, with_state
from tests.support.world import LIST, SEGMENT, World


@pytest.fixture
def services(world: World, store: Store) -> Services:
    """The world's services over each kind of store in turn."""
    return with_state(world.services, store)


def change(
    services: Services, who: Person = ADA, on: str = "exports/vip", action: Action = Action.CHANGE_EXPORT
) -> None:
    with audited(services, who, action, on, etag="1", changed=["list_id"]):
        pass


def read(services: Services, limit: int = 100, before: str = "", **wanted: Any) -> list[dict[str, Any]]:
    page = read_audit(services, replace(Filter(), **wanted), limit, before)
    return [entry.model_dump(mode="json") for entry in page.entries]


def test_an_entry_says_who_did_what(services: Services) -> None:
    """When, to what, from which version, and which members."""
    change(services)

    [entry] = read(services)

    assert len(str(entry.pop("id"))) == 32
    assert datetime.fromisoformat(str(entry.pop("at"))) == services.clock.now()
    assert entry == {
        "who": {"name": ADA.name, "role": "administrator", "object_id": ADA.object_id},
        "action": "exports.change",
        "on": "exports/vip",
        "etag_before": "1",
        "changed": ["list_id"],
        "outcome": "done",
        "code": "",
    }


def test_a_change_that_fails_is_in_it(services: Services) -> None:
    with pytest.raises(Changed), audited(services, ADA, Action.CHANGE_EXPORT, "exports/vip"):
        raise Changed("Another process has written it.")
    with pytest.raises(ZeroDivisionError), audited(services, ADA, Action.CHANGE_EXPORT, "exports/vip"):
        raise ZeroDivisionError

    assert [(e["outcome"], e["code"]) for e in read(services)] == [
        ("failed", "internal_error"),
        ("failed", "changed"),
    ]


def test_a_process_that_dies_leaves_an_attempt(services: Services) -> None:
    """And a line that is cut off hides no other."""
    change(services)
    name = state.audit(services.clock.now().date())
    whole = services.state.read(name).content
    line = whole.splitlines()[1]
    services.state.append(name, b"\n" + line.replace(b'"id":"', b'"id":"x'))
    services.state.append(name, b'\n{"id": "cut o')
    change(services, CARL)

    assert [(e["outcome"], e["who"]) for e in read(services)][::2] == [
        ("done", {"name": CARL.name, "role": "contributor", "object_id": CARL.object_id}),
        ("done", {"name": ADA.name, "role": "administrator", "object_id": ADA.object_id}),
    ]
    assert read(services)[1]["outcome"] == "attempted"


def test_an_entry_whose_answer_was_lost_is_shown_once(services: Services) -> None:
    change(services)
    name = state.audit(services.clock.now().date())
    services.state.append(name, services.state.read(name).content)

    assert len(read(services)) == 1


def test_without_an_entry_there_is_no_change(services: Services) -> None:
    def fail(what: str, name: str) -> None:
        if what == "append":
            raise StorageUnavailable("There is no room.")

    failing = with_state(services, ActingStore(services.state, fail))

    with pytest.raises(StorageUnavailable):
        change(failing)
    assert read(services) == []


def test_what_many_write_at_once_is_all_there(services: Services) -> None:
    """Each entry whole, with its outcome."""
    threads = [threading.Thread(target=change, args=(services,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [entry["outcome"] for entry in read(services)] == ["done"] * 8


def test_entries_are_found_by_document_person_and_time(services: Services, world: World) -> None:
    before = services.clock.now()
    change(services, ADA, "connections/eu")
    world.clock.sleep(timedelta(days=2).total_seconds())
    middle = services.clock.now()
    change(services, CARL, "exports/vip")
    change(services, ADA, "exports/new")

    def found(**wanted: Any) -> list[str]:
        return [entry["on"] for entry in read(services, **wanted)]

    assert found() == ["exports/new", "exports/vip", "connections/eu"]
    assert found(on="exports") == found(on="exports/") == ["exports/new", "exports/vip"]
    assert found(on="exports/vip") == found(who=CARL.name) == found(who=CARL.object_id) == ["exports/vip"]
    assert found(on="export") == found(on="exports/vi") == []
    assert found(since=middle) == ["exports/new", "exports/vip"]
    assert found(until=middle) == ["connections/eu"]
    assert found(until=before) == []


def test_pages_have_everything_once(services: Services) -> None:
    for number in range(5):
        change(services, on=f"exports/e{number}")
    found, before = [], ""
    for _ in range(3):
        page = read_audit(services, Filter(), 2, before)
        found += [entry.on for entry in page.entries]
        before = page.following or ""

    assert found == [f"exports/e{number}" for number in (4, 3, 2, 1, 0)]
    assert before == ""


CONNECTION = {"id": "eu", "display_name": "E", "api_key": "pk_sandbox", "consent": True}
EXPORT = {"connection": "eu", "segments": [SEGMENT], "list_id": LIST, "match": {"email": "EMail"}}
KEY = {"api_key": "pk_sandbox"}
ROWS = {"rows": True, "unmasked": True}
# What each operation that changes something leaves: its action, and what it was done to.
WRITES: list[tuple[str, str, Any, str, str]] = [
    ("POST", "/api/connections", CONNECTION, "connections.add", "connections/eu"),
    ("PUT", "/api/connections/eu", {"display_name": "EU"}, "connections.change", "connections/eu"),
    (
        "POST",
        "/api/connections/eu/key",
        {"api_key": "pk_sandbox"},
        "connections.change_key",
        "connections/eu",
    ),
    ("POST", "/api/connections/eu/lists", {"name": "Made"}, "connections.add_list", "connections/eu"),
    ("POST", "/api/exports", EXPORT | {"id": "a"}, "exports.add", "exports/a"),
    ("PUT", "/api/exports/a", EXPORT | {"display_name": "A"}, "exports.change", "exports/a"),
    ("POST", "/api/exports/a/duplicate", None, "exports.add", "exports/a-copy"),
    ("POST", "/api/exports/a/preview", ROWS, "exports.show_rows", "exports/a"),
    ("POST", "/api/exports/a/runs", None, "runs.start", "exports/a"),
    ("POST", "/api/runs/{run}/cancel", None, "runs.cancel", "runs/{run}"),
    ("POST", "/api/runs", None, "runs.start", "exports/vip"),
    ("POST", "/api/tick", None, "tick", "runs"),
    ("POST", "/api/exports/a/detach", None, "exports.detach", "exports/a"),
    ("POST", "/api/exports/a/attach", {"connection": "eu"}, "exports.change", "exports/a"),
    ("POST", "/api/connections/eu/detach", None, "connections.detach", "exports/a"),
    ("DELETE", "/api/connections/eu", None, "connections.remove", "connections/eu"),
    ("DELETE", "/api/exports/a", None, "exports.remove", "exports/a"),
]
# What changes nothing, though it is posted.
# A sign-in that somebody begins changes nothing yet; its end is in test_sign_in.py.
READS = {("POST", "connections/{connection}/test"), ("POST", "connections/{connection}/sign-in")}


def test_everything_that_changes_something_leaves_an_entry(api: Api) -> None:
    """Over HTTP; and no key is in any of them."""
    for method, path, body, action, on in WRITES:
        headers: dict[str, Any] = {}
        if method == "PUT":
            headers["if_match"] = api("GET", path).headers["etag"]
        if action == "runs.start" and path.endswith("a/runs"):
            headers["prefer"] = "respond-async"
        if "{run}" in path:
            [run] = [r["id"] for r in api("GET", "/api/exports/a/runs").json["runs"]]
            path, on = path.format(run=run), on.format(run=run)

        answered = api(method, path, body, **headers)

        assert answered.status // 100 == 2, answered.json
        entries = [
            e
            for e in api("GET", "/api/audit?limit=5").json["audit"]
            if e["action"] == action and e["on"] == on
        ]
        assert entries, (method, path)
        assert (entries[0]["outcome"], entries[0]["who"]["name"]) == ("done", ADA.name)
    assert "pk_sandbox" not in json.dumps(api("GET", "/api/audit?limit=100").json)


def test_no_operation_that_changes_something_is_missing() -> None:
    """One that somebody adds has to leave an entry, too."""

    def shape(path: str) -> str:
        fixed = {"exports", "connections", "runs", "tick"}
        parts = path.removeprefix("/api/").split("/")
        return "/".join(
            "*" if number == 1 and parts[0] in fixed else part for number, part in enumerate(parts)
        )

    tried = {(method, shape(path)) for method, path, *_ in WRITES}
    known = {
        (method, shape(route.path))
        for route in ROUTES
        for method in route.operations
        if method != "GET" and (method, route.path) not in READS
    }
    assert tried == known


@pytest.mark.parametrize(
    "query", ["since=yesterday", "until=2026-01-01", "document=" + "a" * 201, "person=%00"]
)
def test_a_filter_that_can_not_be_is_refused(api: Api, query: str) -> None:
    assert api("GET", f"/api/audit?{query}").status == 400


def test_the_audit_is_filtered_over_http(api: Api) -> None:
    now = datetime.now(UTC)
    api("POST", "/api/exports/vip/runs", prefer="respond-async")
    since = (now - timedelta(minutes=1)).isoformat().replace("+", "%2B")

    entries = api("GET", f"/api/audit?document=exports/vip&person={ADA.name}&since={since}").json["audit"]

    assert entries[0]["action"] == "runs.start"
    assert api("GET", f"/api/audit?until={since}").json == {"audit": [], "next": None}
    assert api("GET", "/api/audit", by=Person("v", Role.VIEWER)).status == 403


@pytest.mark.parametrize("name", ["R&D bot", "Ünal 100%", "a+b", "x#y", "q&document=connections"])
def test_the_next_page_has_the_same_filter(api: Api, name: str) -> None:
    by = Person(name, Role.ADMINISTRATOR, ADA.object_id)
    for _ in range(3):
        api("POST", "/api/exports/vip/runs", prefer="respond-async", by=by)

    page = api("GET", f"/api/audit?limit=2&person={quote(name)}").json

    assert len(page["audit"]) == 2
    assert parse_qs(urlsplit(page["next"]).query)["person"] == [name]


@pytest.mark.parametrize("query", ["since=0001-01-01T00:00:00%2B14:00", "until=9999-12-31T23:59:59-14:00"])
def test_a_time_that_is_none_elsewhere_is_refused(api: Api, query: str) -> None:
    assert api("GET", f"/api/audit?{query}").status == 400


def test_an_interruption_is_an_outcome(services: Services) -> None:
    """Ctrl-C is no death of the process."""
    with pytest.raises(KeyboardInterrupt), audited(services, ADA, Action.START_RUN, "exports/vip"):
        raise KeyboardInterrupt

    assert [(entry["outcome"], entry["code"]) for entry in read(services)] == [("failed", "interrupted")]
