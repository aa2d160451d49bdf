"""What fails, and what comes in between: nothing is lost, nothing is left behind, nothing goes on unseen."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.klaviyo import Fault
from sandbox.people import People
from sandbox.sample import example_documents
from shared.adapters.clock import Deadline
from shared.administration import connecting, exports
from shared.administration.connecting import NewConnection
from shared.errors import BlobFull, StorageUnavailable, VaultUnavailable
from shared.services import Services, process_services
from tests.administration.conftest import ADA, CARL, VERA, Api
from tests.support.small_batches import small_batches
from tests.support.stores import ActingStore, LossyStore, with_state
from tests.support.world import LIST, SEGMENT, World

KEY = "pk_sandbox"
WISH = {"id": "eu", "display_name": "Klaviyo EU", "api_key": KEY, "consent": True}
EXPORT = {"connection": "sandbox", "segments": [SEGMENT], "list_id": LIST, "match": {"email": "EMail"}}


@pytest.fixture(autouse=True)
def _only_the_example(world: World) -> Iterator[None]:
    world.segment(People(50))
    world.secrets({"klaviyo-sandbox": KEY})
    yield
    state = world.services.state
    for folder in ("connections/", "exports/", "heads/", "runs/", "ledgers/", "recent/"):
        for blob in list(state.list(folder)):
            state.delete(blob.name)
    for name in example_documents():
        world.document(name)
    world.stand_in.faults.clear()


def secrets(world: World) -> set[str]:
    return set(json.loads(world.services.settings.secrets_file.read_text())) - {"digest-key"}


def document(world: World, name: str) -> Any:
    return json.loads(world.services.state.read(name).content)


@pytest.fixture
def acting(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str, str], None]], Services]:
    """Puts something before each call to the state; returns the services without it."""

    def put(act: Callable[[str, str], None]) -> Services:
        services = process_services()
        plain = with_state(services, services.state)
        monkeypatch.setitem(services.__dict__, "state", ActingStore(services.state, act))
        return plain

    return put


def failing(what: str, beginning: str, error: BaseException | None = None) -> Callable[[str, str], None]:
    def fail(called: str, name: str) -> None:
        if called == what and name.startswith(beginning):
            raise error or StorageUnavailable("away")

    return fail


def once(what: str, name: str, act: Callable[[], object]) -> Callable[[str, str], None]:
    """Acts before the first such call."""
    left = [act]

    def before(called: str, at: str) -> None:
        if (called, at) == (what, name) and left:
            left.pop()()

    return before


@pytest.mark.parametrize("is_new", [True, False], ids=["added", "changed"])
def test_a_key_stays_where_the_documents_answer_was_lost(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch, is_new: bool
) -> None:
    """The document may have landed: what it names is there, and nothing else is."""
    if not is_new:
        api("POST", "/api/connections", WISH)
    services = process_services()
    monkeypatch.setitem(services.__dict__, "state", LossyStore(services.state, "connections/eu.json"))

    if is_new:
        answered = api("POST", "/api/connections", WISH)
    else:
        answered = api("POST", "/api/connections/eu/key", {"api_key": KEY})

    assert answered.status == 503
    assert secrets(world) == {"klaviyo-sandbox", document(world, "connections/eu.json")["secret_name"]}


def test_a_secret_whose_answer_was_lost_is_removed(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = process_services().vault
    write = vault.write

    def lost(name: str, key: str) -> None:
        write(name, key)
        raise VaultUnavailable("No answer.")

    monkeypatch.setattr(vault, "write", lost)

    assert api("POST", "/api/connections", WISH).status == 503
    assert secrets(world) == {"klaviyo-sandbox"}


@pytest.mark.parametrize("error", [RuntimeError("bug"), KeyboardInterrupt()], ids=repr)
def test_whatever_comes_between_leaves_no_secret(world: World, error: BaseException) -> None:
    services = with_state(
        world.services, ActingStore(world.services.state, failing("write", "connections/eu", error))
    )
    with pytest.raises(type(error)):
        connecting.add(services, ADA, NewConnection.model_validate(WISH), Deadline(services.clock, 30))

    assert secrets(world) == {"klaviyo-sandbox"}


def test_a_connection_that_changes_while_it_is_removed_stays(
    api: Api, world: World, acting: Callable[..., Services]
) -> None:
    """Another key, and an export that begins to use it: nothing names what is gone."""
    api("POST", "/api/connections", WISH)
    deadline = Deadline(world.services.clock, 30)
    plain = acting(
        once(
            "delete",
            "connections/eu.json",
            lambda: connecting.change_key(plain, ADA, "eu", KEY, deadline),
        )
    )
    changed = api("DELETE", "/api/connections/eu")
    plain = acting(
        once("delete", "connections/eu.json", lambda: exports.attach(plain, ADA, "vip", "eu", deadline))
    )
    used = api("DELETE", "/api/connections/eu")

    assert (changed.status, changed.json["code"]) == (409, "changed")
    assert (used.status, used.json["code"]) == (409, "connection_in_use")
    kept = document(world, "connections/eu.json")
    assert secrets(world) == {"klaviyo-sandbox", kept["secret_name"]}
    assert api("POST", "/api/exports/vip/runs").json["status"] == "successful"


def test_an_export_is_not_saved_over_a_connection_that_is_gone(
    api: Api, world: World, acting: Callable[..., Services]
) -> None:
    """Somebody removes it between our check and our writing."""
    api("POST", "/api/connections", WISH)
    plain = acting(once("write", "exports/new.json", lambda: plain.state.delete("connections/eu.json")))

    refused = api("POST", "/api/exports", EXPORT | {"id": "new", "connection": "eu"})

    assert (refused.status, refused.json["problems"][0]["pointer"]) == (422, "/connection")
    assert [blob.name for blob in world.services.state.list("exports/")] == ["exports/vip.json"]


def test_a_removal_that_fails_can_be_repeated(
    api: Api, world: World, acting: Callable[..., Services]
) -> None:
    """Nothing of the people is left then, and the answer says what is."""
    api("POST", "/api/exports/vip/runs")
    is_away = [True]

    def away(what: str, name: str) -> None:
        if is_away and what == "list" and name.startswith("ledgers/vip"):
            raise StorageUnavailable("away")

    acting(away)

    first = api("DELETE", "/api/exports/vip")
    assert (first.status, bool(world.services.state.stat("exports/vip.json"))) == (503, True)
    is_away.clear()
    assert api("DELETE", "/api/exports/vip").status == 204
    assert not list(world.services.state.list("ledgers/vip/"))


def test_without_an_audit_nothing_of_a_former_export_goes(
    api: Api, world: World, acting: Callable[..., Services]
) -> None:
    api("POST", "/api/exports/vip/runs")
    world.services.state.delete("exports/vip.json")
    before = [blob.name for blob in world.services.state.list("ledgers/")]
    acting(failing("append", "audit/"))

    assert api("POST", "/api/exports", EXPORT | {"id": "vip"}).status == 503
    assert [blob.name for blob in world.services.state.list("ledgers/")] == before


def test_an_audit_that_is_full_goes_on_in_another_part(
    api: Api, world: World, acting: Callable[..., Services]
) -> None:
    """Azure takes 50,000 appends to a blob."""

    def full(what: str, name: str) -> None:
        if what == "append" and name.endswith(".000.jsonl"):
            raise BlobFull("full")

    before = api("GET", "/api/audit").json["audit"]
    acting(full)

    assert api("POST", "/api/exports/vip/detach").status == 200
    entries = api("GET", "/api/audit").json["audit"]
    assert [entry["action"] for entry in entries[: len(entries) - len(before)]] == ["exports.detach"]
    assert entries[0]["outcome"] == "done"


def opened_in_the_middle(api: Api, world: World) -> str:
    """A run of which Klaviyo has some posts already, and wants a pause."""
    world.segment(small_batches(4))
    pause = Fault("error", method="POST", path="*import-jobs*", nth=3, status=429, retry_after=2)
    world.stand_in.faults.add([pause])
    answered = api("POST", "/api/exports/vip/runs", prefer="wait=1")
    assert answered.status == 202
    run: str = answered.json["id"]
    return run


def jobs_at_the_end(api: Api, run: str) -> int:
    ends = time.monotonic() + 30
    while (shown := api("GET", f"/api/runs/{run}")).status != 200:
        assert time.monotonic() < ends
        api("POST", "/api/tick")
    assert shown.json["status"] == "canceled"
    return len(shown.json["jobs"])


def test_detaching_by_a_change_ends_the_transfer(api: Api, world: World) -> None:
    """As the route for it does."""
    run = opened_in_the_middle(api, world)
    before = len(api("GET", f"/api/runs/{run}").json["jobs"])
    shown = api("GET", "/api/exports/vip")

    changed = api(
        "PUT", "/api/exports/vip", shown.json | {"connection": None}, if_match=shown.headers["etag"]
    )

    assert changed.json["state"] == "detached"
    assert jobs_at_the_end(api, run) == before


def test_a_detach_that_fails_can_be_repeated(api: Api, world: World, acting: Callable[..., Services]) -> None:
    """The run is asked to end first; else the export would not be found again."""
    run = opened_in_the_middle(api, world)
    before = len(api("GET", f"/api/runs/{run}").json["jobs"])
    is_away = [True]

    def away(what: str, name: str) -> None:
        if is_away and what == "write" and name.endswith(".cancel"):
            raise StorageUnavailable("away")

    acting(away)

    assert api("POST", "/api/connections/sandbox/detach").status == 503
    assert api("GET", "/api/audit?limit=1").json["audit"][0]["outcome"] == "failed"
    is_away.clear()
    assert api("POST", "/api/connections/sandbox/detach").json["exports"][0]["id"] == "vip"
    assert jobs_at_the_end(api, run) == before


def test_a_document_under_another_name_is_not_the_one_it_says(api: Api, world: World) -> None:
    """Somebody has copied it by hand: removing the copy removes neither the other one nor its key."""
    api("POST", "/api/connections", WISH)
    for folder, name in (("connections", "eu"), ("exports", "vip")):
        copy = world.services.state.read(f"{folder}/{name}.json").content
        world.services.state.write(f"{folder}/wrong.json", copy)

    assert api("GET", "/api/connections/wrong").status == api("GET", "/api/exports/wrong").status == 422
    assert api("DELETE", "/api/connections/wrong").status == 204
    assert api("DELETE", "/api/exports/wrong").status == 204
    assert api("GET", "/api/audit?limit=1").json["audit"][0]["on"] == "exports/wrong"
    assert document(world, "connections/eu.json")["secret_name"] in secrets(world)
    assert document(world, "exports/vip.json")["id"] == "vip"


def test_nonsense_can_be_removed_by_administrators(api: Api, world: World) -> None:
    for path in ("connections/cc", "exports/cc"):
        world.services.state.write(f"{path}.json", b"{nonsense")
        assert api("DELETE", f"/api/{path}", by=CARL).status == 403
        assert api("DELETE", f"/api/{path}").status == 204


def test_an_export_with_another_mistake_uses_its_connection(api: Api, world: World) -> None:
    api("POST", "/api/connections", WISH)
    broken = EXPORT | {"id": "broken", "connection": "eu", "list_idx": 1}
    world.services.state.write("exports/broken.json", json.dumps(broken).encode())

    refused = api("DELETE", "/api/connections/eu")

    assert (refused.status, refused.json["exports"]) == (409, [{"id": "broken", "display_name": ""}])


def test_who_may_not_see_a_connection_learns_nothing_of_its_faults(api: Api, world: World) -> None:
    """A document that is not valid looks as if it were not there; a list says no more of it."""
    world.document("connections/sandbox.json", secret_name="bad name!")
    hidden, missing = (api("GET", f"/api/connections/{name}", by=CARL) for name in ("sandbox", "missing"))
    by_export, by_none = (
        api("POST", "/api/exports", EXPORT | {"id": "mine", "connection": name}, by=CARL)
        for name in ("sandbox", "missing")
    )

    assert hidden.body.replace(b"sandbox", b"missing") == missing.body
    assert by_export.body.replace(b"sandbox", b"missing") == by_none.body
    assert "secret_name" not in api("GET", "/api/exports", by=VERA).body.decode()


def test_where_a_key_lies_is_told_to_administrators_only(api: Api, world: World) -> None:
    """Not by a list's error, nor a saved export's, nor a run's; nor is another account's id."""
    api("POST", "/api/connections", WISH | {"shared_with": "contributors"})
    name = document(world, "connections/eu.json")["secret_name"]
    api("POST", "/api/exports/vip/attach", {"connection": "eu"})
    world.secrets({"klaviyo-sandbox": KEY})
    run = api("POST", "/api/exports/vip/runs").json
    told = [
        api("GET", "/api/connections/eu/lists", by=CARL),
        api("POST", "/api/connections/eu/lists", {"name": "x"}, by=CARL),
        api("POST", "/api/exports", EXPORT | {"id": "mine", "connection": "eu"}, by=CARL),
        *(
            api("GET", path, by=by)
            for by in (VERA, CARL, None)
            for path in ("/api/runs", "/api/exports", f"/api/runs/{run['id']}")
        ),
    ]
    world.document("connections/sandbox.json", shared_with="contributors", account={"id": "OTHER1"})
    told.append(api("GET", "/api/connections/sandbox/lists", by=CARL))

    assert run["error"]["code"] == "not_found"
    for each in told:
        assert name not in each.body.decode()
        assert str(world.folder) not in each.body.decode()
        assert "OTHER1" not in each.body.decode()


@pytest.mark.parametrize("number", [2**53, 2**64, 10**30])
def test_a_number_that_no_reader_keeps_is_refused(api: Api, number: int) -> None:
    """Else the document could be stored, and never be shown."""
    refused = api("POST", "/api/exports", EXPORT | {"id": "big", "limits": {"max_profiles": number}})

    assert (refused.status, refused.json["problems"][0]["pointer"]) == (422, "/limits/max_profiles")
