"""Tokens are refreshed in time, by one process at a time, and what was revoked waits for people."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from sandbox.klaviyo import Fault
from sandbox.people import People
from shared.adapters.clock import Deadline
from shared.adapters.vault import FileVault
from shared.administration import connections
from shared.administration.applying import apply
from shared.administration.connections import state_of
from shared.catalog import Connection
from shared.errors import Denied, ExportError, KlaviyoUnavailable, NotFound
from shared.klaviyo.oauth import Tokens
from shared.klaviyo.tokens import StoredToken
from shared.runs.record import RunRecord
from shared.runs.work.tick import tick
from shared.services import Services, oauth_app, open_account
from tests.support.azurite import Azurite
from tests.support.dying import Died
from tests.support.signing_in import (
    ADA,
    another_process,
    connected,
    deadline_of,
    refreshes,
    sign_in,
    tokens_in,
    with_app,
)
from tests.support.vault import KeyVaultServer
from tests.support.world import MONDAY, World, a_world

HOUR = 3_600
PASSING = {"klaviyo_unavailable", "blocked", "unexpected_answer", "throttled"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path) as world:
        yield world


@pytest.fixture(params=["folder", "azurite"])
def shared_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    urls = {}
    if request.param == "azurite":
        azurite: Azurite = request.getfixturevalue("azurite")
        urls = {"state_url": azurite.container()}
    with a_world(tmp_path, **urls, limits=False) as world:
        yield world


@pytest.fixture
def services(world: World) -> Services:
    return with_app(world)


def use(services: Services, connection_id: str = "eu") -> list[str]:
    """Asks Klaviyo something over the connection."""
    connection = services.catalog.connection(connection_id)
    klaviyo = open_account(services, connection, deadline_of(services))
    return [each.id for each in klaviyo.lists(deadline_of(services))]


def shown_state(services: Services) -> str:
    return state_of(services.catalog.connection("eu"))


def refusal(services: Services) -> str:
    with pytest.raises(Denied) as raised:
        use(services)
    return raised.value.code


def test_a_token_is_used_until_a_minute_before_its_end(world: World, services: Services) -> None:
    """Then there is another one, which lies in the vault before it is used."""
    connection = connected(services)
    first = tokens_in(services, connection)
    refreshes(world)

    world.clock.sleep(HOUR - 100)
    use(services)
    assert (refreshes(world), tokens_in(services, connection)) == (0, first)

    world.clock.sleep(60)
    use(services)
    second = tokens_in(services, connection)
    assert refreshes(world) == 1
    assert second["access_token"] != first["access_token"]
    assert second["expires_at"] == int(world.clock.now().timestamp()) + HOUR


def test_a_token_ends_in_the_middle(world: World, services: Services) -> None:
    """A client that works for hours gets another one on its way."""
    klaviyo = open_account(services, connected(services), deadline_of(services))
    for _ in range(3):
        world.clock.sleep(HOUR)
        assert next(klaviyo.lists(deadline_of(services)), None) is not None


@pytest.mark.parametrize("rotate", [True, False])
def test_the_whole_answer_is_kept(world: World, services: Services, rotate: bool) -> None:
    """Whether or not the refresh token is replaced, the next refresh goes through."""
    world.stand_in.oauth.rotate = rotate
    connection = connected(services)
    first = tokens_in(services, connection)["refresh_token"]

    for _ in range(3):
        world.clock.sleep(HOUR)
        use(services)

    assert (tokens_in(services, connection)["refresh_token"] != first) == rotate
    assert shown_state(services) == "active"


def test_two_processes_refresh_once(shared_world: World) -> None:
    """Both hold a token that Klaviyo takes no more; the refresh token is replaced by the first refresh."""
    services = with_app(shared_world)
    connection = connected(services)
    with another_process(services) as others:
        clients = [open_account(each, connection, deadline_of(each)) for each in (services, others)]
        both = threading.Barrier(len(clients))
        shared_world.stand_in.oauth.access.clear()
        refreshes(shared_world)

        def use_at_once(number: int) -> int:
            both.wait()
            return len(list(clients[number].lists(deadline_of(services, 600))))

        with ThreadPoolExecutor() as pool:
            assert list(pool.map(use_at_once, range(len(clients)))) == [1, 1]

    assert refreshes(shared_world) == 1
    assert shown_state(services) == "active"


def test_who_comes_while_another_refreshes_waits(shared_world: World) -> None:
    """Not for ever: the other may have died, and its lease lasts a minute."""
    services = with_app(shared_world)
    connected(services)
    use(services)  # once, so that the lock is there
    shared_world.clock.sleep(HOUR)
    use(services)
    shared_world.clock.sleep(HOUR)
    lease = services.state.acquire("locks/oauth-eu")
    refreshes(shared_world)

    with pytest.raises(KlaviyoUnavailable) as raised:
        use(services)
    assert (raised.value.code, refreshes(shared_world)) == ("sign_in_busy", 0)

    lease.release()
    assert use(services)


def test_who_loses_a_race_has_what_the_winner_got(world: World, services: Services) -> None:
    """Its lease ran out, and another process refreshes right before it: Klaviyo's refusal is not believed."""
    connection = connected(services)
    world.clock.sleep(HOUR)

    class Overtaken:
        """The app in a process that is slower than another one."""

        def refresh(self, tokens: Tokens, deadline: Deadline) -> Tokens:
            app = oauth_app(services)
            services.vault.replace(connection.secret_name, app.refresh(tokens, deadline).secret())
            return app.refresh(tokens, deadline)

    token = StoredToken(
        connection.id,
        connection.secret_name,
        services.vault,
        services.state,
        services.clock,
        Overtaken,  # type: ignore[arg-type]
        partial(services.catalog.mark_revoked, connection),
    )
    refreshes(world)

    header = token.authorization(deadline_of(services))

    assert refreshes(world) == 2
    assert header == f"Bearer {tokens_in(services, connection)['access_token']}"
    assert shown_state(services) == "active"


def test_what_was_revoked_is_shown_until_somebody_signs_in(world: World, services: Services) -> None:
    """Klaviyo is asked once, and not again."""
    connected(services)
    world.stand_in.oauth.uninstall("SNDBOX")
    refreshes(world)

    assert refusal(services) == "sign_in_revoked"
    assert (shown_state(services), refreshes(world)) == ("revoked", 1)
    assert refusal(services) == "sign_in_revoked"
    assert not world.stand_in.requests

    sign_in(services, "eu")
    assert (shown_state(services), use(services)) == ("active", ["Y6nRLr"])


def test_ninety_days_without_use_end_a_sign_in(world: World, services: Services) -> None:
    """As if it had been revoked."""
    connected(services)
    world.clock.sleep(91 * 24 * HOUR)

    assert refusal(services) == "sign_in_revoked"
    assert shown_state(services) == "revoked"


def ended(services: Services) -> RunRecord:
    (record,) = tick(services, 60).records
    return record


def test_a_run_waits_for_people(world: World, services: Services) -> None:
    """The timer repeats nothing until somebody has signed in again; then it does at once."""
    connected(services)
    world.document("exports/vip.json", connection="eu")
    world.segment(People(3))
    tick(services, 60)  # the first sight is the baseline
    world.stand_in.oauth.uninstall("SNDBOX")
    world.clock.sleep(600)
    world.segment(People(4), refreshed=MONDAY + timedelta(hours=1))
    world.clock.sleep(600)

    failed = ended(services)
    assert failed.error is not None
    assert (failed.status, failed.error.code) == ("failed", "sign_in_revoked")
    for _ in range(5):
        world.clock.sleep(2 * HOUR)
        assert tick(services, 60).records == []

    sign_in(services, "eu")
    world.clock.sleep(600)
    assert ended(services).counts.imported == 4


def test_a_refresh_changes_nothing_that_a_run_waits_for(world: World, services: Services) -> None:
    """An export whose list is missing waits for people, who have changed nothing."""
    connection = connected(services)
    world.document("exports/vip.json", connection="eu", list_id="NoSuch")
    world.segment(People(3))
    tick(services, 60)  # the first sight is the baseline
    world.clock.sleep(600)
    world.segment(People(4), refreshed=MONDAY + timedelta(hours=1))
    world.clock.sleep(600)
    failed = ended(services)
    assert failed.error is not None
    assert failed.error.code == "unknown_list"
    before = tokens_in(services, connection)

    for _ in range(5):
        world.clock.sleep(2 * HOUR)
        use(services)
        assert tick(services, 60).records == []

    assert tokens_in(services, connection) != before


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_wrong_clock_costs_one_refresh(world: World, services: Services, hours: int) -> None:
    """Tokens seem to be valid that are not, or the other way round."""
    connected(services)
    world.clock.ahead = timedelta(hours=hours)
    world.clock.sleep(HOUR + 100)
    refreshes(world)

    assert use(services)
    assert use(services)

    assert refreshes(world) == 1
    assert shown_state(services) == "active"


def test_a_token_that_is_refused_for_good_makes_no_loop(world: World, services: Services) -> None:
    """One refresh, then somebody has to look at it; the sign-in itself is not known to be over."""
    connected(services)
    use(services)
    world.stand_in.faults.add([Fault("error", path="/api/lists", status=401, nth=None)])
    refreshes(world)

    assert refusal(services) == "sign_in_revoked"

    asked = [request.path for request in world.stand_in.requests]
    assert (asked.count("/api/lists"), asked.count("/oauth/token")) == (2, 1)
    assert shown_state(services) == "active"


class DyingVault(FileVault):
    def replace(self, name: str, key: str) -> None:
        raise Died


@pytest.mark.parametrize("rotate", [True, False])
def test_a_process_dies_before_it_keeps_its_tokens(world: World, services: Services, rotate: bool) -> None:
    """If the refresh token was replaced, nobody has it: that is shown, and somebody signs in again."""
    world.stand_in.oauth.rotate = rotate
    connected(services)
    world.clock.sleep(HOUR)
    with pytest.raises(Died):
        use(replace(services, vault=DyingVault(services.settings.secrets_file)))

    if rotate:
        assert refusal(services) == "sign_in_revoked"
        assert shown_state(services) == "revoked"
        sign_in(services, "eu")

    assert use(services) == ["Y6nRLr"]
    assert shown_state(services) == "active"


@pytest.mark.parametrize("rotate", [True, False])
def test_the_answer_of_a_refresh_is_lost(world: World, services: Services, rotate: bool) -> None:
    """The same, on the line."""
    world.stand_in.oauth.rotate = rotate
    connected(services)
    world.clock.sleep(HOUR)
    world.stand_in.faults.add([Fault("cut_after", path="/oauth/token")])

    if rotate:
        assert refusal(services) == "sign_in_revoked"
    else:
        assert use(services)


def test_klaviyo_away_revokes_nothing(world: World, services: Services) -> None:
    """Nor does anything that is not Klaviyo's own answer."""
    connected(services)
    world.clock.sleep(HOUR)
    for kind, status in (("error", 503), ("html", 403), ("html", 400), ("garbage", 200), ("error", 429)):
        world.stand_in.faults.add([Fault(kind, path="/oauth/token", status=status, nth=None)])  # type: ignore[arg-type]
        with pytest.raises(ExportError) as raised:
            use(services)
        assert raised.value.code in PASSING
        world.stand_in.faults.clear()
        world.clock.sleep(120)

    assert use(services)
    assert shown_state(services) == "active"


def test_another_secret_of_the_app_revokes_nothing(world: World, services: Services) -> None:
    """That is a mistake of whoever set it."""
    connected(services)
    world.clock.sleep(HOUR)
    world.replace_key("wrong", "klaviyo-client-secret")

    assert refusal(services) == "invalid_client"
    assert shown_state(services) == "active"

    with_app(world)
    assert use(services)


def test_nobody_has_signed_in_yet(world: World, services: Services) -> None:
    """It says what to do."""
    world.document("connections/sandbox.json", sign_in="oauth", account=None)

    with pytest.raises(Denied, match="connections sign-in sandbox") as raised:
        use(services, "sandbox")

    assert raised.value.code == "not_connected"


def test_a_connection_is_tested(services: Services) -> None:
    """What the token may read."""
    connected(services)

    tested = connections.test(services, ADA, "eu", deadline_of(services))

    assert tested.account.id == "SNDBOX"
    assert (tested.missing, len(tested.scopes)) == ((), 3)


def test_the_pause_of_a_key_is_not_the_apps(world: World, services: Services) -> None:
    """In one account, an OAuth app has limits of its own, for all processes; and the other way round."""
    connected(services)
    use(services)
    use(services, "sandbox")
    for paused, free in (("sandbox", "eu"), ("eu", "sandbox")):
        world.stand_in.faults.add([Fault("error", path="/api/lists", status=429, retry_after=900)])
        with pytest.raises(KlaviyoUnavailable):
            use(services, paused)
        with another_process(services) as others:
            assert use(others, free)
            with pytest.raises(KlaviyoUnavailable):
                use(others, paused)
        world.clock.sleep(1_000)


def test_a_removed_connection_gets_no_tokens_back(world: World, services: Services) -> None:
    """Who refreshes at that moment does not put its secret into the vault again."""
    connection = connected(services)
    klaviyo = open_account(services, connection, deadline_of(services))
    world.clock.sleep(HOUR)
    connections.remove(services, ADA, "eu")

    with pytest.raises(NotFound):
        next(klaviyo.lists(deadline_of(services)))

    assert b"--oauth-" not in services.settings.secrets_file.read_bytes()


def test_tokens_lie_in_a_key_vault(world: World, services: Services, key_vault: KeyVaultServer) -> None:
    """Refreshes are new versions; another sign-in has another name, and the last goes with the connection."""
    key_vault.secrets["klaviyo-client-secret"] = "sandbox-app-secret"
    services = replace(services, vault=key_vault.vault())
    first = connected(services)
    world.clock.sleep(HOUR)
    assert use(services)

    second = sign_in(services, "eu")
    assert use(services)
    assert key_vault.removed == {first.secret_name}

    connections.remove(services, ADA, "eu")
    assert key_vault.removed == {first.secret_name, second.secret_name}
    assert set(key_vault.secrets) == {"klaviyo-client-secret"}


def test_a_document_as_code_keeps_the_sign_in(services: Services) -> None:
    """A file from before the last sign-in names a secret that is gone."""
    before: Connection = connected(services)
    now = sign_in(services, "eu")

    apply(services, [before.model_copy(update={"display_name": "New"})], ADA)

    stored = services.catalog.connection("eu")
    assert (stored.display_name, stored.secret_name) == ("New", now.secret_name)
    assert use(services)
