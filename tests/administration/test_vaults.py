"""Keys that administrators type, in Azure Key Vault: over its real client."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.adapters.clock import Deadline
from shared.administration import connecting, connections
from shared.administration.connecting import NewConnection
from shared.errors import Denied, ExportError, NotFound, VaultUnavailable
from shared.services import Services
from tests.administration.conftest import ADA
from tests.support.vault import KeyVaultServer
from tests.support.world import World

WISH = NewConnection(id="eu", display_name="Klaviyo EU", api_key="pk_sandbox", consent=True)


@pytest.fixture
def services(world: World, key_vault: KeyVaultServer) -> Iterator[Services]:
    """The world's services with a Key Vault instead of the file."""
    yield replace(world.services, vault=key_vault.vault())
    for blob in list(world.services.state.list("connections/eu")):
        world.services.state.delete(blob.name)


def deadline(services: Services) -> Deadline:
    return Deadline(services.clock, 60)


def test_a_key_is_kept_changed_and_removed(services: Services, key_vault: KeyVaultServer) -> None:
    """Under a new name each time, since the name of a removed secret stays taken for a while."""
    made = connecting.add(services, ADA, WISH, deadline(services)).document
    assert key_vault.secrets == {made.secret_name: "pk_sandbox"}

    changed = connecting.change_key(services, ADA, "eu", "pk_sandbox", deadline(services)).document
    assert key_vault.secrets == {changed.secret_name: "pk_sandbox"}
    assert key_vault.removed == {made.secret_name}

    connections.remove(services, ADA, "eu")
    assert key_vault.secrets == {}
    again = connecting.add(services, ADA, WISH, deadline(services)).document
    assert again.secret_name not in key_vault.removed


def test_a_vault_that_the_app_may_not_write_changes_nothing(
    services: Services, key_vault: KeyVaultServer
) -> None:
    """The error has the command of Azure's own."""
    key_vault.is_writable = False

    with pytest.raises(Denied) as refusal:
        connecting.add(services, ADA, WISH, deadline(services))

    assert refusal.value.code == "vault_read_only"
    assert "az keyvault secret set --vault-name" in refusal.value.message
    assert "pk_sandbox" not in refusal.value.message
    assert key_vault.secrets == {}
    with pytest.raises(NotFound):
        services.catalog.connection("eu")


def test_a_key_that_can_not_be_removed_is_left(services: Services, key_vault: KeyVaultServer) -> None:
    """The connection is gone all the same: nothing names the key any more."""
    made = connecting.add(services, ADA, WISH, deadline(services)).document
    key_vault.is_writable = False

    connections.remove(services, ADA, "eu")

    assert list(key_vault.secrets) == [made.secret_name]
    with pytest.raises(NotFound):
        services.catalog.connection("eu")


def test_a_vault_that_is_away_changes_nothing(services: Services, key_vault: KeyVaultServer) -> None:
    key_vault.failing = 503

    with pytest.raises(ExportError) as problem:
        connecting.add(services, ADA, WISH, deadline(services))

    assert isinstance(problem.value, VaultUnavailable)
    with pytest.raises(NotFound):
        services.catalog.connection("eu")
