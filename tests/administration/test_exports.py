"""Exports over HTTP: added, changed, duplicated, attached and removed; saving runs nothing."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.klaviyo.faults import Fault
from sandbox.people import People
from sandbox.sample import example_documents
from shared.errors import NotFound, StorageUnavailable
from shared.runs.lock.export import ExportLock
from shared.services import process_services
from tests.administration.conftest import ADA, CARL, URL, Answered, Api
from tests.support.stores import ActingStore
from tests.support.world import LIST, SEGMENT, World

WISH: dict[str, Any] = {
    "id": "new",
    "display_name": "New ones",
    "connection": "sandbox",
    "segments": [SEGMENT],
    "list_id": LIST,
    "match": {"email": "EMail"},
}


@pytest.fixture(autouse=True)
def _only_the_example(world: World) -> Iterator[None]:
    """Each test finds the example's documents, and no run of them."""
    yield
    state = world.services.state
    for folder in ("connections/", "exports/", "heads/", "ledgers/vip/", "ledgers/new/", "recent/", "runs/"):
        for blob in list(state.list(folder)):
            state.delete(blob.name)
    for name in example_documents():
        world.document(name)
    world.stand_in.faults.clear()
    world.segment(People(50))


def pointers(answered: Answered) -> list[str]:
    return [problem["pointer"] for problem in answered.json["problems"]]


def test_an_export_is_added_and_nothing_runs(api: Api, world: World) -> None:
    """It belongs to who has signed in, and runs when it is asked to, or at the next refresh."""
    made = api("POST", "/api/exports", WISH, by=ADA)
    api("POST", "/api/tick")

    assert made.status == 201
    assert made.headers["location"] == f"{URL}/api/exports/new"
    assert made.json | WISH == made.json
    assert (made.json["created_by"], made.json["updated_by"]) == (ADA.name, ADA.name)
    assert made.json["state"] == "active"
    assert api("GET", "/api/exports/new/runs").json["runs"] == []
    assert api("POST", "/api/exports/new/runs").json["counts"]["imported"] == 50


WRONG: list[tuple[Any, list[str]]] = [
    ({"id": "../vip"}, ["/id"]),
    ({"id": "send-0123456789abcdef"}, ["/id"]),
    ({"id": None}, ["/id"]),
    ({"connection": "gone"}, ["/connection"]),
    ({"connection": 1}, ["/connection"]),
    ({"segments": []}, ["/segments"]),
    ({"segments": ["Gone"]}, ["/segments/0"]),
    ({"segments": [SEGMENT, SEGMENT]}, ["/segments"]),
    ({"list_id": "GoneXY"}, ["/list_id"]),
    ({"list_id": "a/b"}, ["/list_id"]),
    ({"match": {"email": "Email Address"}}, ["/match/email"]),
    ({"match": {"email": ""}}, ["/match/email"]),
    ({"attributes": {"first_name": "Forename"}}, ["/attributes/first_name"]),
    ({"attributes": {"frist_name": "FirstName"}}, ["/attributes/frist_name"]),
    ({"schedule": {"when": {"cron": "0 6 * *"}}}, ["/schedule/when/cron"]),
    ({"schedule": {"when": {"cron": "0 6 31 2 *"}}}, ["/schedule/when/cron"]),
    ({"schedule": {"when": {"cron": "0 6 * * *", "timezone": "Mars"}}}, ["/schedule/when/timezone"]),
    ({"limits": {"max_profiles": 0}}, ["/limits/max_profiles"]),
    ({"display_name": "a" * 201}, ["/display_name"]),
    ({"display_name": "a\u202eb"}, ["/display_name"]),
    ({"created_by": "somebody"}, ["/created_by"]),
    ({"created_at": "2026-01-01T00:00:00Z", "updated_by": "somebody"}, ["/created_at", "/updated_by"]),
    ({"version": 2}, ["/version"]),
    ({"id": "A", "list_id": "-", "surprise": 1}, ["/id", "/list_id", "/surprise"]),
]


@pytest.mark.parametrize(("changes", "expected"), WRONG, ids=[json.dumps(each)[:50] for each, _ in WRONG])
def test_what_can_not_be_is_not_added(api: Api, world: World, changes: Any, expected: list[str]) -> None:
    """All problems at once, each with a pointer."""
    refused = api("POST", "/api/exports", WISH | changes)

    assert (refused.status, sorted(pointers(refused))) == (422, expected)
    assert [blob.name for blob in world.services.state.list("exports/")] == ["exports/vip.json"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"no JSON", b"[" * 60_000, b'{"a":' * 9_000, b"1" * 5_000, b'{"id": "a", "id": "b"}']
)
def test_what_is_no_document_is_refused(api: Api, body: bytes) -> None:
    refused = api("POST", "/api/exports", body)

    assert (refused.status, refused.json["code"]) == (422, "invalid_document")
    assert api("POST", "/api/exports", b" " * 70_000).status == 413


def test_the_closest_names_are_suggested(api: Api) -> None:
    """Of members and of columns."""
    member = api("POST", "/api/exports", WISH | {"attributes": {"frist_name": "FirstName"}})
    column = api("POST", "/api/exports", WISH | {"match": {"email": "E-Mail"}})

    assert member.json["problems"][0]["message"] == "is not known here; did you mean first_name?"
    assert "the closest names first: 'EMail'" in column.json["problems"][0]["message"]


def test_an_id_that_is_taken_is_refused(api: Api) -> None:
    refused = api("POST", "/api/exports", WISH | {"id": "vip"})

    assert (refused.status, refused.json["code"]) == (409, "already_exists")


def test_what_can_not_be_checked_is_said(api: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Klaviyo is away: the export is saved, and the answer says what nobody has looked at."""
    monkeypatch.setenv("HTTP_TIME_BUDGET", "1")
    world.stand_in.faults.add([Fault("cut", "GET", "/api/*", nth=None)])

    made = api("POST", "/api/exports", WISH)

    assert made.status == 201
    assert [each["pointer"] for each in made.json["not_checked"]] == ["/connection"]
    world.stand_in.faults.clear()
    assert "not_checked" not in api("GET", "/api/exports/new").json


def test_a_document_can_be_sent_back_as_it_came(api: Api) -> None:
    """With its state, which is shown only; then it stays as it is."""
    shown = api("GET", "/api/exports/vip")

    same = api("PUT", "/api/exports/vip", shown.json, if_match=shown.headers["etag"])
    changed = api(
        "PUT",
        "/api/exports/vip",
        shown.json | {"display_name": "Renamed", "state": "surprise"},
        if_match=shown.headers["etag"],
    )

    assert same.headers["etag"] == shown.headers["etag"]
    assert (changed.status, changed.json["display_name"]) == (200, "Renamed")
    assert (changed.json["state"], changed.json["updated_by"]) == ("active", ADA.name)


def test_a_lost_update_is_refused(api: Api) -> None:
    shown = api("GET", "/api/exports/vip")
    one = api("PUT", "/api/exports/vip", shown.json | {"display_name": "One"}, if_match=shown.headers["etag"])
    two = api("PUT", "/api/exports/vip", shown.json | {"display_name": "Two"}, if_match=shown.headers["etag"])
    blind = api("PUT", "/api/exports/vip", shown.json)

    assert (one.status, two.status, blind.status) == (200, 412, 428)
    assert api("GET", "/api/exports/vip").json["display_name"] == "One"


def test_two_writers_at_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process writes between our reading and our writing: its document stays."""
    shown = api("GET", "/api/exports/vip")
    services = process_services()

    def write_first(what: str, name: str) -> None:
        if (what, name) == ("append", name):
            document = json.dumps(example_documents()["exports/vip.json"] | {"display_name": "Theirs"})
            plain.write("exports/vip.json", document.encode())

    plain = services.state
    monkeypatch.setitem(services.__dict__, "state", ActingStore(plain, write_first))

    ours = api(
        "PUT", "/api/exports/vip", shown.json | {"display_name": "Ours"}, if_match=shown.headers["etag"]
    )

    assert (ours.status, ours.json["code"]) == (412, "changed")
    assert api("GET", "/api/exports/vip").json["display_name"] == "Theirs"


def test_what_is_the_apps_own_can_not_be_changed(api: Api) -> None:
    shown = api("GET", "/api/exports/vip")

    for member, value in (
        ("id", "other"),
        ("created_by", "somebody"),
        ("updated_at", "2026-01-01T00:00:00Z"),
    ):
        refused = api("PUT", "/api/exports/vip", shown.json | {member: value}, if_match=shown.headers["etag"])
        assert (refused.status, pointers(refused)) == (422, [f"/{member}"])


def test_a_duplicate_does_not_run_by_itself(api: Api) -> None:
    """Until somebody lets it; the name says what it is."""
    copy = api("POST", "/api/exports/vip/duplicate")
    named = api("POST", "/api/exports/vip/duplicate", {"id": "other", "display_name": "Another one"})
    again = api("POST", "/api/exports/vip/duplicate")

    assert copy.status == 201
    assert (copy.json["id"], copy.json["display_name"]) == ("vip-copy", "Copy of VIPs")
    assert copy.headers["location"] == f"{URL}/api/exports/vip-copy"
    assert (copy.json["state"], copy.json["schedule"]) == (
        "inactive",
        {"active": False, "when": "on_refresh"},
    )
    assert (named.json["id"], named.json["display_name"]) == ("other", "Another one")
    assert (again.status, again.json["code"]) == (409, "already_exists")


def test_a_detached_export_runs_again_when_it_has_a_connection(api: Api) -> None:
    detached = api("POST", "/api/exports/vip/detach")
    refused = api("POST", "/api/exports/vip/runs")
    attached = api("POST", "/api/exports/vip/attach", {"connection": "sandbox"})

    assert (detached.json["connection"], detached.json["state"]) == (None, "detached")
    assert (refused.status, refused.json["code"]) == (422, "no_connection")
    assert (attached.json["connection"], attached.json["state"]) == ("sandbox", "active")
    assert api("POST", "/api/exports/vip/runs").json["counts"]["imported"] == 50


def test_a_removed_export_leaves_its_records_and_the_list(api: Api, world: World) -> None:
    """Its ledger and its head go."""
    run = api("POST", "/api/exports/vip/runs").json
    members = world.members()
    assert list(world.services.state.list("ledgers/vip/"))

    assert api("DELETE", "/api/exports/vip").status == 204

    assert api("GET", "/api/exports/vip").status == 404
    assert api("GET", f"/api/runs/{run['id']}").json == run
    assert world.members() == members
    assert not list(world.services.state.list("ledgers/vip/"))
    with pytest.raises(NotFound):
        world.services.state.stat("heads/vip.json")
    assert api("DELETE", "/api/exports/vip").status == 404


def test_removing_ends_an_open_run(api: Api, world: World) -> None:
    """Nothing is posted; its close keeps nothing of the people."""
    started = api("POST", "/api/exports/vip/runs", prefer="respond-async").json

    assert api("DELETE", "/api/exports/vip").status == 204

    run = api("GET", f"/api/runs/{started['id']}").json
    assert (run["status"], run["counts"]["sent"]) == ("canceled", 0)
    assert not list(world.services.state.list("ledgers/vip/"))


def test_an_id_that_is_used_again_begins_anew(api: Api, world: World) -> None:
    """A refresh from before the new export was added does not run it."""
    api("POST", "/api/exports", WISH)
    api("POST", "/api/exports/new/runs")
    api("DELETE", "/api/exports/new")
    api("POST", "/api/exports", WISH)

    api("POST", "/api/tick")

    assert [run["export"] for run in api("GET", "/api/runs").json["runs"]] == ["new"]


def test_exports_are_listed_with_how_they_stand(api: Api, world: World) -> None:
    """Status, last and next run, counts, and what one may do to them."""
    cron = {"active": True, "when": {"cron": "0 6 * * *", "timezone": "Europe/Paris"}}
    api("POST", "/api/exports", WISH | {"schedule": cron})
    run = api("POST", "/api/exports/vip/runs").json
    world.services.state.write("exports/broken.json", b"no JSON")

    broken, new, vip = api("GET", "/api/exports").json["exports"]

    assert (broken["id"], broken["state"], broken["error"]["code"]) == (
        "broken",
        "not_valid",
        "invalid_document",
    )
    assert (new["status"], new["last_run"], new["schedule"]) == (
        "none",
        None,
        "at 06:00 every day (Europe/Paris)",
    )
    assert new["next_run_at"].endswith(("T04:00:00+00:00", "T05:00:00+00:00"))
    assert (vip["status"], vip["last_run"]["id"]) == ("successful", run["id"])
    assert vip["last_run"]["fact"] == "50 of 50 rows imported."
    assert vip["last_run"]["counts"] == run["counts"]
    assert "exports.remove" in vip["may"]
    assert api("GET", "/api/exports", by=CARL).json["exports"][2]["may"] == []


def test_lists_have_pages(api: Api) -> None:
    """One after the other has everything once, in the order of the listing."""
    for name in ("a", "a-b", "a-b-c", "b"):
        api("POST", "/api/exports", WISH | {"id": name})
        api("POST", f"/api/exports/{name}/runs", prefer="respond-async")

    assert sorted(pages(api, "/api/exports?limit=2", "exports")) == ["a", "a-b", "a-b-c", "b", "vip"]
    runs = pages(api, "/api/runs?limit=3", "runs")
    assert sorted(run.partition(".")[0] for run in runs) == ["a", "a-b", "a-b-c", "b"]
    for path in ("/api/exports", "/api/runs", "/api/audit"):
        for limit in ("0", "101", "-1", "x", "1e1"):
            assert api("GET", f"{path}?limit={limit}").status == 400


def pages(api: Api, path: str | None, name: str) -> list[str]:
    found: list[str] = []
    while path:
        page = api("GET", path.removeprefix(URL)).json
        found += [each["id"] for each in page[name]]
        path = page["next"]
    return found


def test_runs_of_all_exports_are_listed_newest_first(api: Api, world: World) -> None:
    """Open ones, too; one whose process died before it wrote the record is not."""
    api("POST", "/api/exports", WISH)
    first = api("POST", "/api/exports/vip/runs").json["id"]
    second = api("POST", "/api/exports/new/runs", prefer="respond-async").json["id"]
    world.services.state.write("recent/1000000000-vip.21000101T000000Z-0000", b"")
    world.services.state.write("recent/surprise", b"")

    listed = [run["id"] for run in api("GET", "/api/runs").json["runs"]]

    assert sorted(listed) == sorted([first, second])
    times = [run.partition(".")[2].partition("-")[0] for run in listed]
    assert times == sorted(times, reverse=True)


def test_rows_are_shown_masked_and_unmasked_by_a_choice_that_is_written_down(api: Api) -> None:
    """Five of them, for who may see the connection; the audit has the choice and no value."""
    masked = api("POST", "/api/exports/vip/preview", {"rows": True}).json["rows"]
    before = len(api("GET", "/api/audit").json["audit"])
    plain = api("POST", "/api/exports/vip/preview", {"rows": True, "unmasked": True})

    rows = plain.json["rows"]
    assert (len(masked), len(rows)) == (5, 5)
    assert all("@" in row["email"] for row in rows)
    assert [row["email"][:1] + "•••" for row in rows] == [row["email"] for row in masked]
    assert not any("@" in value for row in masked for value in row.values())
    assert plain.headers["cache-control"] == "no-store"
    audit = api("GET", "/api/audit")
    assert len(audit.json["audit"]) == before + 1
    assert audit.json["audit"][0]["action"] == "exports.show_rows"
    assert "@example" not in json.dumps([entry | {"who": None} for entry in audit.json["audit"]])
    assert api("POST", "/api/exports/vip/preview", {"rows": True}, by=None).status == 403
    assert api("POST", "/api/exports/vip/preview", {"unmasked": True}).status == 400


def test_a_connection_that_is_removed_by_hand_ends_a_run(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before its next post: as a cut, not as a failure."""
    services = process_services()
    plain = services.state

    def remove(what: str, name: str) -> None:
        if what == "write" and name.endswith(".people"):
            plain.delete("connections/sandbox.json")

    monkeypatch.setitem(services.__dict__, "state", ActingStore(plain, remove))
    monkeypatch.setattr(services.catalog, "_store", services.state)

    run = api("POST", "/api/exports/vip/runs").json

    assert (run["status"], run["error"]) == ("canceled", None)
    assert run["counts"]["imported"] == 0
    assert [warning["code"] for warning in run["warnings"]] == ["connection_removed"]


def test_an_export_is_not_lost_where_the_state_fails(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The document is as before, and the audit says that it was tried."""

    def fail(what: str, name: str) -> None:
        if (what, name) == ("write", "exports/vip.json"):
            raise StorageUnavailable("There is no room.")

    shown = api("GET", "/api/exports/vip")
    services = process_services()
    monkeypatch.setitem(services.__dict__, "state", ActingStore(services.state, fail))

    refused = api(
        "PUT", "/api/exports/vip", shown.json | {"display_name": "B"}, if_match=shown.headers["etag"]
    )

    assert refused.status == 503
    assert api("GET", "/api/exports/vip").json == shown.json
    assert api("GET", "/api/audit?limit=1").json["audit"][0]["outcome"] == "failed"


def test_what_stays_is_not_looked_at_again(api: Api, world: World) -> None:
    """An export can be renamed, or get another connection, while its segment or its list is away."""
    shown = api("GET", "/api/exports/vip")
    world.services.segment_store.delete(
        "CustomerInsights_5a3b1e00-0000-4000-8000-00005eed0001/BlobExport/model.json"
    )
    wish = shown.json | {"display_name": "Renamed"}

    assert api("PUT", "/api/exports/vip", wish, if_match=shown.headers["etag"]).status == 200
    assert api("POST", "/api/exports/vip/detach").status == 200
    assert api("POST", "/api/exports/vip/attach", {"connection": "sandbox"}).status == 200
    assert api("POST", "/api/exports", WISH | {"segments": ["Gone"]}).status == 422


def test_an_id_is_not_used_again_while_its_run_is_open(api: Api, world: World) -> None:
    """Another process still holds the removed export; once it lets go, nothing of the old one is left."""
    state, clock = world.services.state, world.services.clock
    api("POST", "/api/exports", WISH)
    api("POST", "/api/exports/new/runs", prefer="respond-async")
    with ExportLock.acquire(state, "new", clock):
        assert api("DELETE", "/api/exports/new").status == 204
        refused = api("POST", "/api/exports", WISH)
    again = api("POST", "/api/exports", WISH)
    api("POST", "/api/tick")

    assert (refused.status, refused.json["code"]) == (409, "run_is_open")
    assert again.status == 201
    assert [run["status"] for run in api("GET", "/api/exports/new/runs").json["runs"]] == ["canceled"]
