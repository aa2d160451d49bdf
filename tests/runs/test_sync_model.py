"""Any sequence of refreshes, runs, faults, deaths and hand edits leaves the right people on the list."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sandbox.klaviyo import ByHand, Fault, ImportFailure, JobPlan
from sandbox.people import email
from sandbox.sample import example_documents, write_segment
from shared.adapters.clock import Deadline
from shared.errors import AlreadyRunning
from shared.runs.advance import cancel, run
from shared.runs.record import RunRecord
from shared.runs.removal import ANY_NUMBER
from shared.runs.starting import Request
from tests.support.dying import Died, dying
from tests.support.sync_oracle import HELD, Document, Rows, Run, Side, check_counts, check_removed, payload
from tests.support.world import LIST, SEGMENT, a_world

PEOPLE = range(9)
OTHER = "Q2wErT"
STRANGER = "stranger@example.com"
SIDES = st.sampled_from(["vip", "gold"])
WHO = st.sampled_from(PEOPLE)
KINDS = st.sampled_from(["plain", "plain", "plain", "other", "filtered", "refused", "twice", None])
FAULTS = {
    "throttled": Fault("error", method="POST", path="/api/profile-bulk*", status=429, retry_after=2_000),
    "removal throttled": Fault("error", method="DELETE", status=429, retry_after=2_000),
    "removal refused": Fault("error", method="DELETE", status=503),
    "away": Fault("error", status=503),
    "cut": Fault("cut", method="POST"),
    "cut after": Fault("cut_after", method="POST"),
    "removal cut after": Fault("cut_after", method="DELETE"),
    "html": Fault("html", method="GET", status=502),
}
PLANS = {
    "canceled": JobPlan(outcome="cancelled"),
    "slow": JobPlan(seconds=600),
    "for hours": JobPlan(seconds=30_000),
}


class Sync(RuleBasedStateMachine):
    """Two exports, of two segments with some people in both, into one list."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(TemporaryDirectory()))
        self.world = world = self.stack.enter_context(a_world(folder, keep_attributes=True, limits=False))
        account = world.stand_in.accounts["SNDBOX"]
        world.stand_in.add_list(account, "Other", OTHER)
        self.sides = {"vip": Side("vip", SEGMENT), "gold": Side("gold", "Gold")}
        self.snapshots: dict[str, Rows] = {}
        self.by_hand = ByHand(world.stand_in)
        self.by_hand.add(LIST, STRANGER)
        self.strangers = {STRANGER}
        self.off: set[int] = set()
        self.doubtful: set[int] = set()
        self.events: list[tuple[str, str, Any]] = []
        self.is_hand = False
        self.driving = ""
        self.requests: dict[str, dict[str, Any]] = {}
        for list_id in (LIST, OTHER):
            self._watch(account, list_id)
        accept = world.stand_in.accept_import

        def accepted(account: Any, body: Any) -> Any:
            job = accept(account, body)
            for profile in body["data"]["attributes"]["profiles"]["data"]:
                self.events.append((self._open(), "post", (profile["attributes"], job.id)))
            return job

        world.stand_in.accept_import = accepted  # type: ignore[method-assign]
        for side in self.sides.values():
            self._document(side)
            side.kinds = dict.fromkeys((0, 1, 2, 3, 4, 5) if side.id == "vip" else (4, 5, 6), "plain")
            self._refresh(side)

    def _watch(self, account: Any, list_id: str) -> None:
        members = account.lists[list_id].members
        discard = members.discard

        def discarded(number: int) -> None:
            if number in members and not self.is_hand:
                self.events.append((self._open(), "off", account.profiles[number].email))
            discard(number)

        members.discard = discarded

    def teardown(self) -> None:
        try:
            if sys.exception() is None:
                self.settle()
        finally:
            self.stack.close()

    # What is done.

    @rule(name=SIDES, edits=st.dictionaries(WHO, KINDS, max_size=4), broken=st.integers(0, 7))
    def refresh(self, name: str, edits: dict[int, Any], broken: int) -> None:
        side = self.sides[name]
        kinds = {who: kind for who, kind in (side.kinds | edits).items() if kind is not None}
        side.kinds, side.broken = kinds, broken == 0
        self._refresh(side)

    @rule(name=SIDES, gone=st.booleans())
    def move(self, name: str, gone: bool) -> None:
        """Everybody leaves, or everybody comes back."""
        side = self.sides[name]
        side.kinds, side.broken = ({} if gone else dict.fromkeys(PEOPLE, "plain")), False
        self._refresh(side)

    @rule(name=SIDES, seconds=st.sampled_from([1200, 1200, 1200, 20]))
    def plain(self, name: str, seconds: int) -> None:
        self._run(self.sides[name], seconds)

    @rule(
        name=SIDES,
        request=st.sampled_from(
            [
                {"full": True},
                {"limit": 2},
                {"confirmed": ANY_NUMBER},
                {"confirmed": 3},
                {"confirmed": ANY_NUMBER},
                {"reconcile": True},
                {"reconcile": True, "readd": True},
            ]
        ),
    )
    def special(self, name: str, request: dict[str, Any]) -> None:
        self._run(self.sides[name], 1200, **request)

    @rule(
        name=SIDES,
        nth=st.integers(1, 150),
        request=st.sampled_from([{}, {}, {"full": True}, {"confirmed": 9}]),
    )
    def dies(self, name: str, nth: int, request: dict[str, Any]) -> None:
        numbers = count(1)
        self._run(self.sides[name], 1200, is_last=lambda *_: next(numbers) == nth, **request)

    @rule(name=SIDES)
    def canceled(self, name: str) -> None:
        run_id = self._open(name)
        if run_id:
            with self._driving(self.sides[name]):
                cancel(self.world.services, self._record(name, run_id), self._deadline(1200))

    @rule(kind=st.sampled_from([*sorted(FAULTS), *sorted(PLANS)]))
    def trouble(self, kind: str) -> None:
        """Something will go wrong at Klaviyo."""
        if kind in FAULTS:
            self.world.stand_in.faults.add([FAULTS[kind]])
        else:
            self.world.stand_in.plans.append(PLANS[kind])

    @rule(who=WHO, is_failing=st.booleans(), at_once=st.booleans())
    def failing(self, who: int, is_failing: bool, at_once: bool) -> None:
        stand_in = self.world.stand_in
        stand_in.failures.pop(email(who), None)
        stand_in.refused_emails.discard(email(who))
        if is_failing and at_once:
            stand_in.refused_emails.add(email(who))
        elif is_failing:
            stand_in.failures[email(who)] = ImportFailure()

    @rule(hours=st.sampled_from([1, 1, 2, 30]))
    def later(self, hours: int) -> None:
        self.world.clock.sleep(hours * 3600)

    @rule(
        who=WHO, other=WHO, what=st.sampled_from(["off", "unsubscribed", "deleted", "on", "merged", "moved"])
    )
    def hand(self, who: int, other: int, what: str) -> None:
        """Somebody changes something at Klaviyo."""
        self.is_hand = True
        try:
            match what:
                case "off":
                    self.by_hand.remove(LIST, email(who))
                case "unsubscribed":
                    self.by_hand.suppress(email(who), list_id=LIST)
                case "deleted":
                    self.by_hand.delete(email(who))
                case "on":
                    self.by_hand.add(LIST, email(who))
                    self.doubtful.add(who)
                    for side in self.sides.values():
                        side.marked.discard(who)
                case "merged":
                    self.by_hand.merge(email(who), email(other))
                    self.doubtful |= {who, other}
                case "moved":
                    self.by_hand.make_primary(email(who), f"moved-{who}@example.org")
                    self.doubtful.add(who)
        except (KeyError, ValueError):
            return
        finally:
            self.is_hand = False
        if what in ("off", "unsubscribed", "deleted"):
            self.off.add(who)
        for side in self.sides.values():
            for each in side.runs.values():
                each.is_disturbed = True

    @rule(name=SIDES, what=st.sampled_from(["fields", "filters", "mode", "list"]))
    def configure(self, name: str, what: str) -> None:
        side = self.sides[name]
        old = side.document
        match what:
            case "fields":
                new = Document(old.mode, 1 - old.fields, old.filters, old.list_id)
            case "filters":
                new = Document(old.mode, old.fields, not old.filters, old.list_id)
            case "mode":
                new = Document(
                    "add" if old.mode == "mirror" else "mirror", old.fields, old.filters, old.list_id
                )
            case _:
                new = Document(old.mode, old.fields, old.filters, OTHER if old.list_id == LIST else LIST)
        side.document = new
        self._document(side)

    @rule(name=SIDES, what=st.sampled_from(["gone", "garbled", "key"]))
    def lose(self, name: str, what: str) -> None:
        """A ledger is lost or garbled, or the digest key is another one."""
        if what == "key":
            path = self.world.services.settings.secrets_file
            secrets = json.loads(path.read_text())
            if "digest-key" in secrets:
                self.world.secrets(secrets | {"digest-key": os.urandom(32).hex()})
                for side in self.sides.values():
                    side.lose()
            return
        path = self.world.folder / "state" / (self._head(name).get("ledger") or "none")
        if not path.is_file():
            return
        if what == "gone":
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:-1])
        self.sides[name].lose()

    # How it is done.

    def _document(self, side: Side) -> None:
        document = example_documents()["exports/vip.json"] | {
            "id": side.id,
            "segments": [side.segment],
            "list_id": side.document.list_id,
            "sync": {"mode": side.document.mode},
            "attributes": {
                "first_name": "FirstName",
                "properties": [{"column": "LastName", "name": side.id}],
            }
            | ({"location.city": "City"} if side.document.fields else {}),
        }
        if side.document.filters:
            document["only_if"] = {"column": "Gender", "not_equals": "no"}
        self.world.services.state.write(f"exports/{side.id}.json", json.dumps(document).encode())

    def _refresh(self, side: Side) -> None:
        self.world.clock.sleep(3_600)
        store, now = self.world.services.segment_store, self.world.clock.now()
        folder = write_segment(store, side.segment, side.rows().lines(), refreshed=now, partitions=1)
        self.snapshots[folder] = side.rows()

    def _head(self, name: str) -> dict[str, Any]:
        path = self.world.folder / "state" / "heads" / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def _open(self, name: str = "") -> str:
        run = self._head(name or self.driving).get("open")
        return run["record"]["id"] if run else ""

    def _deadline(self, seconds: int) -> Deadline:
        return Deadline(self.world.clock, seconds, after_progress=True)

    def _record(self, name: str, run_id: str) -> RunRecord:
        return RunRecord.model_validate(self._head(name)["open"]["record"])

    def _run(self, side: Side, seconds: int, *, is_last: Any = None, **request: Any) -> None:
        services = self.world.services if is_last is None else dying(self.world.services, is_last)
        with self._driving(side, request):
            run(services, side.id, Request("command", "tester", **request), self._deadline(seconds))

    @contextmanager
    def _driving(self, side: Side, request: Any = None) -> Iterator[None]:
        """Does something to an export, and judges what came of it."""
        self.events.clear()
        self.driving = side.id
        try:
            yield
        except AlreadyRunning:
            pass
        except Died:
            pass
        self._judge(side, request or {})

    def _records(self, side: Side) -> dict[str, dict[str, Any]]:
        """Records of runs that are closed, and of the one that is open, in order."""
        folder = self.world.folder / "state" / "runs" / side.id
        paths = sorted(path for path in folder.glob("*.json")) if folder.exists() else []
        records = [json.loads(path.read_text()) for path in paths]
        found = {record["id"]: record for record in records}
        run = self._head(side.id).get("open")
        if run and run["record"]["id"] not in found:
            found[run["record"]["id"]] = run["record"]
        return found

    # How it is judged.

    def _judge(self, side: Side, request: dict[str, Any]) -> None:
        stand_in = self.world.stand_in
        stand_in.settle()
        records = self._records(side)
        is_open = bool(self._open(side.id))
        fresh = [record for record in records.values() if record["id"] not in side.closed]
        for record in fresh:
            asked = self.requests.setdefault(record["id"], request)
            run = side.runs.get(record["id"])
            if run is None:
                if not record["segments"]:
                    continue
                rows = self.snapshots[record["segments"][0]["snapshot"]]
                run = Run(record["id"], side.document, rows, asked, frozenset(), is_whole=True)
                side.begin(run)
            self._replay(side, run)
            if record["phase"] == "closed":
                self._close(side, run, record, is_last=record is fresh[-1] and not is_open)

    def _replay(self, side: Side, run: Run) -> None:
        who_of = {email(who): who for who in PEOPLE}
        for run_id, what, detail in self.events:
            if run_id != run.id:
                continue
            if what == "post":
                attributes, job = detail
                who = who_of[attributes["email"]]
                side.post(run, who, attributes, job)
                if run.document.list_id == LIST:
                    self.off.discard(who)
                expected = payload(who, run.rows.kinds[who], run.document, side.id)
                assert attributes == expected, (attributes, expected)
            else:
                who = who_of.get(detail, -1)
                for other in self.sides.values():
                    if other is not side:
                        assert not other.wants(who, run.document.list_id), f"{who} is wanted by {other.id}"
                run.removed.append(detail)
        check_removed(run, side)

    def _close(self, side: Side, run: Run, record: dict[str, Any], *, is_last: bool) -> None:
        jobs = self.world.stand_in.accounts["SNDBOX"].jobs
        complete = {job["id"] for job in record["jobs"] if job["status"] == "complete"}
        who_of = {email(who): who for who in PEOPLE}
        failed = {
            job: {who_of[each.profile["attributes"]["email"]] for each in jobs[job].failed}
            for job in complete
        }
        for who, posts in run.posted.items():
            if any(job not in complete for _, job in posts):
                self.doubtful.add(who)  # a job of which nobody knows may still bring them in
        was_lost = side.is_lost
        known = set(side.known)
        off = self.off - self.doubtful if run.document.list_id == LIST else set[int]()
        side.close(run, record, failed, off)
        check_counts(run, record)
        if record["status"] not in ("successful", "completed_with_warnings") or run.request.get("limit"):
            return
        codes = {warning["code"]: warning["count"] for warning in record["warnings"]}
        if not is_last or run.document.list_id != LIST:
            return
        on = self.world.members()
        stand_in = self.world.stand_in
        unsure = self.off | self.doubtful
        if not record["counts"]["unconfirmed"] and not record["counts"]["failed"]:
            for who in run.rows.leave(run.document) - unsure:
                if email(who) in stand_in.failures or email(who) in stand_in.refused_emails:
                    continue
                assert email(who) in on, f"{who} is in the segment and not on the list"
        if run.document.mode != "mirror" or not run.is_whole or not run.known or was_lost:
            return
        (other,) = (each for each in self.sides.values() if each is not side)
        left = known - run.rows.here(run.document)
        if HELD & codes.keys():
            self._check_held(run, left, other, codes)
            return
        for who in left - unsure:
            if not other.may_want(who, LIST):
                assert email(who) not in on, f"{who} has left the segment and is on the list"

    def _check_held(self, run: Run, left: set[int], other: Side, codes: dict[str, int]) -> None:
        if "removals_held" not in codes or self.doubtful:
            return
        is_other_known = not other.is_lost and other.document.list_id == other.list_id
        is_other_known = is_other_known or not other.ever
        confirmed = run.request.get("confirmed")
        if run.rows.broken or not is_other_known or not run.rows.leave(run.document):
            return
        assert len(left) > (5 if confirmed is None else confirmed), "removals are held without a reason"

    @invariant()
    def strangers_stay(self) -> None:
        assert STRANGER in self.world.members()

    def settle(self) -> None:
        """Once nothing goes wrong any more, two runs of each make everything right."""
        stand_in = self.world.stand_in
        stand_in.faults.clear()
        stand_in.plans.clear()
        stand_in.failures.clear()
        stand_in.refused_emails.clear()
        self.world.clock.sleep(48 * 3600)
        for side in self.sides.values():
            side.broken = False
            self._refresh(side)
        for _ in range(3):
            for side in self.sides.values():
                self._run(side, 20_000, **({} if self._open(side.id) else {"confirmed": ANY_NUMBER}))
        for side in self.sides.values():
            assert not self._open(side.id), "a run stays open"


HUNT: Any = (
    {"derandomize": False, "database": None, "report_multiple_bugs": False, "phases": [Phase.generate]}
    if "MODEL_EXAMPLES" in os.environ
    else {}
)
Sync.TestCase.settings = settings(
    max_examples=int(os.environ.get("MODEL_EXAMPLES", "20")),
    stateful_step_count=int(os.environ.get("MODEL_STEPS", "14")),
    deadline=None,
    **HUNT,
    suppress_health_check=list(HealthCheck),
)
TestSync = Sync.TestCase
