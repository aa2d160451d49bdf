"""What happens between the beginning of a sign-in and its end: time, another callback, another change."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.vault import FileVault
from shared.administration import connecting, connections, signing_in
from shared.administration.connecting import NewConnection
from shared.catalog import Connection
from shared.errors import Changed, Denied, ExportError, NotFound
from shared.services import Services
from tests.support.signing_in import ADA, click, connected, deadline_of, query_of, sign_in, with_app
from tests.support.stores import ActingStore, LossyStore, with_state
from tests.support.world import World, a_world

WISH = NewConnection(id="eu", display_name="EU", sign_in="oauth", api_key=None, consent=True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path) as world:
        yield world


@pytest.fixture
def services(world: World) -> Services:
    services = with_app(world)
    connecting.add(services, ADA, WISH, deadline_of(services))
    return services


def agreed(services: Services) -> dict[str, str]:
    return query_of(click(signing_in.begin(services, ADA, "eu").authorize_url))


def finish(services: Services, given: dict[str, str]) -> Connection:
    return signing_in.finish(services, ADA, given["state"], given["code"], "", deadline_of(services)).document


def refused(services: Services, given: dict[str, str]) -> str:
    with pytest.raises(ExportError) as raised:
        finish(services, given)
    return raised.value.code


def left(services: Services) -> list[str]:
    """Sign-ins that were begun and are not over, and secrets of tokens."""
    begun = [blob.name for blob in services.state.list("locks/sign-in-")]
    secrets = services.settings.secrets_file.read_text()
    return [*begun, *(line for line in secrets.splitlines() if "--oauth-" in line)]


def test_a_sign_in_can_be_ended_for_ten_minutes(world: World, services: Services) -> None:
    """Then it has to begin again."""
    begun = signing_in.begin(services, ADA, "eu")
    assert begun.expires_at == world.clock.now() + timedelta(minutes=10)
    world.clock.sleep(599)
    assert finish(services, query_of(click(begun.authorize_url))).account is not None

    begun = signing_in.begin(services, ADA, "eu")
    world.clock.sleep(600)
    assert refused(services, query_of(click(begun.authorize_url))) == "unknown_state"


def test_a_code_is_over_before_the_sign_in_is(world: World, services: Services) -> None:
    """Klaviyo's lives for five minutes."""
    given = agreed(services)
    world.clock.sleep(300)
    assert refused(services, given) == "sign_in_refused"


def test_two_callbacks_at_once(services: Services) -> None:
    """One of them ends the sign-in, and the other changes nothing."""
    given = agreed(services)
    ended: list[Connection] = []

    def first(what: str, name: str) -> None:
        if what == "write" and name.startswith("locks/sign-in-") and not ended:
            ended.append(finish(services, given))

    assert refused(with_state(services, ActingStore(services.state, first)), given) == "unknown_state"

    assert services.catalog.connection("eu").secret_name == ended[0].secret_name
    assert len(left(services)) == 1


def test_what_was_begun_and_never_ended_goes(world: World, services: Services) -> None:
    """With the next sign-in that somebody begins, after an hour by the store's clock."""
    for _ in range(3):
        signing_in.begin(services, ADA, "eu")
    assert len(left(services)) == 3

    # By the world's clock, which the folder does not go by.
    world.clock.ahead = services.state.now() + timedelta(hours=2) - world.clock.now()
    signing_in.begin(services, ADA, "eu")

    assert len(left(services)) == 1


def change(services: Services) -> None:
    connections.change_members(services, ADA, "eu", {"display_name": "New"})


def remove(services: Services) -> None:
    connections.remove(services, ADA, "eu")


@pytest.mark.parametrize(("act", "error"), [(change, Changed), (remove, NotFound)])
def test_somebody_changes_the_connection_meanwhile(
    services: Services, act: Callable[[Services], None], error: type[ExportError]
) -> None:
    """That change stays, and no tokens are left in the vault."""
    given = agreed(services)
    acted: list[str] = []

    def meanwhile(what: str, name: str) -> None:
        if what == "write" and name == "connections/eu.json" and not acted:
            acted.append(name)
            act(services)

    with pytest.raises((error, Changed)):
        finish(with_state(services, ActingStore(services.state, meanwhile)), given)

    assert acted
    assert left(services) == []


class ReadOnly(FileVault):
    def write(self, name: str, key: str) -> None:
        raise Denied(f"The app does not write {name}.", code="vault_read_only")


def test_a_vault_that_can_not_be_written(services: Services) -> None:
    """Nothing is changed."""
    given = agreed(services)

    read_only = replace(services, vault=ReadOnly(services.settings.secrets_file))

    assert refused(read_only, given) == "vault_read_only"
    assert services.catalog.connection("eu").account is None


def test_only_the_sign_in_that_was_revoked_is_marked(services: Services) -> None:
    """Somebody may have signed in again since a process read the connection."""
    before = sign_in(services, "eu")
    after = sign_in(services, "eu")

    services.catalog.mark_revoked(before)
    assert not services.catalog.connection("eu").revoked
    services.catalog.mark_revoked(after)
    assert services.catalog.connection("eu").revoked


def test_what_is_marked_stays_what_it_is(services: Services) -> None:
    """A removed connection does not come back."""
    other = connected(services, "other")
    connections.remove(services, ADA, "other")

    services.catalog.mark_revoked(other)

    with pytest.raises(NotFound):
        services.catalog.connection("other")


def test_tokens_stay_where_the_documents_answer_was_lost(services: Services) -> None:
    """It may have landed: what the document names is there, and nothing else is."""
    given = agreed(services)
    lossy = with_state(services, LossyStore(services.state, "connections/eu.json"))

    assert refused(lossy, given) == "storage_unavailable"

    name = services.catalog.connection("eu").secret_name
    assert services.vault.secret(name)
    assert len(left(services)) == 1
