"""What tests share: real storage, and a vault for the real client, all on loopback."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.adapters.storage import open_store
from shared.adapters.storage.store import Store
from tests.support.azurite import Azurite, AzuriteQueues, running_azurite, running_queues
from tests.support.telemetry import Metrics, session_metrics, session_spans
from tests.support.vault import KeyVaultServer, running_key_vault

# The same examples everywhere, and no judgement on a slow machine.
settings.register_profile(
    "tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")

# Fixtures on tools that `make install` does not bring, as a test names them or is parametrized with them.
TOOLS = {"azurite", "azurite_queues", "blob_store", "browser", "checkov", "kusto", "wheels"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests that need tools, which `make quick` leaves out; the longest come first."""
    for item in items:
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        fixtures: list[str] = getattr(item, "fixturenames", [])
        if TOOLS.intersection([*fixtures, *map(str, parameters)]):
            item.add_marker("tools")
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session", autouse=True)
def power() -> Iterator[None]:
    """No test loses it, and waiting for a disk takes half of their time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """One Azurite for the whole session."""
    with running_azurite() as running:
        yield running


@pytest.fixture(scope="session")
def azurite_queues() -> Iterator[AzuriteQueues]:
    """One Azurite for the queues of the whole session."""
    with running_queues() as running:
        yield running


@pytest.fixture
def container_url(azurite: Azurite) -> str:
    """The URL of a new container, as SEGMENTS_URL and STATE_URL take it."""
    return azurite.container()


@pytest.fixture
def blob_store(container_url: str) -> Store:
    """A store in a new container."""
    return open_store(container_url)


@pytest.fixture
def folder_store(tmp_path: Path) -> Store:
    """A store in a new folder."""
    return open_store(f"file:{tmp_path / 'store'}")


@pytest.fixture(params=["folder_store", "blob_store"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each kind of store in turn: what one promises, the other promises."""
    kind: Store = request.getfixturevalue(request.param)
    return kind


@pytest.fixture
def key_vault(tmp_path: Path) -> Iterator[KeyVaultServer]:
    """An empty Key Vault."""
    with running_key_vault(tmp_path) as running:
        yield running


@pytest.fixture
def metrics() -> Metrics:
    """What the test's own code tells: what was told before is gone."""
    metrics = session_metrics()
    metrics.points()
    return metrics


@pytest.fixture
def spans() -> InMemorySpanExporter:
    """The spans that end in the test."""
    spans = session_spans()
    spans.clear()
    return spans
