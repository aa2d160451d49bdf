"""Tokens, codes and the app's secret go to Klaviyo and into the vault, and are nowhere else."""

import logging
import re
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from sandbox.klaviyo import Fault
from sandbox.people import People
from shared.administration import connections, signing_in
from shared.errors import ExportError
from shared.klaviyo.oauth import Tokens
from shared.runs.advance import run
from shared.runs.starting import Request
from shared.services import Services, oauth_app, open_account
from tests.support.signing_in import ADA, click, connected, deadline_of, query_of, sign_in, with_app
from tests.support.telemetry import Metrics
from tests.support.world import World, a_world

MARK = re.compile("sandbox-(access|refresh|code|app-secret)")
HOUR = 3_600


def refreshed(world: World, services: Services) -> None:
    world.clock.sleep(HOUR)
    world.segment(People(5))
    run(services, "vip", Request("command", "tester"), deadline_of(services, 600))


def faulty(kind: str, path: str, status: int = 503) -> Callable[[World, Services], None]:
    def use(world: World, services: Services) -> None:
        world.stand_in.faults.add([Fault(kind, path=path, status=status, nth=None)])  # type: ignore[arg-type]
        refreshed(world, services)

    return use


def revoked(world: World, services: Services) -> None:
    world.stand_in.oauth.uninstall("SNDBOX")
    refreshed(world, services)


def wrong_secret(world: World, services: Services) -> None:
    world.replace_key("sandbox-app-secret-of-another", "klaviyo-client-secret")
    refreshed(world, services)


def garbled(world: World, services: Services) -> None:
    """Somebody has put the tokens into the vault in another form."""
    connection = services.catalog.connection("eu")
    secret = services.vault.secret(connection.secret_name)
    services.vault.replace(connection.secret_name, secret.replace("refresh_token", "refresh"))
    refreshed(world, services)


def refused_code(world: World, services: Services) -> None:
    given = query_of(click(signing_in.begin(services, ADA, "eu").authorize_url))
    world.stand_in.oauth.codes.clear()
    signing_in.finish(services, ADA, given["state"], given["code"], "", deadline_of(services))


def elsewhere(world: World, services: Services) -> None:
    world.stand_in.add_account("OTHER", "Other", keys={})
    sign_in(services, "eu", "OTHER")


def removed(_: World, services: Services) -> None:
    connections.remove(services, ADA, "eu")


WAYS: dict[str, Callable[[World, Services], None]] = {
    "refreshed": refreshed,
    "revoked": revoked,
    "wrong secret": wrong_secret,
    "garbled": garbled,
    "refused code": refused_code,
    "elsewhere": elsewhere,
    "removed": removed,
    "401": faulty("error", "/api/*", 401),
    "403": faulty("error", "/api/*", 403),
    "429": faulty("error", "/oauth/token", 429),
    "away": faulty("error", "/oauth/token"),
    "cut": faulty("cut", "/oauth/token"),
    "cut after": faulty("cut_after", "/oauth/token"),
    "garbage": faulty("garbage", "/oauth/token"),
    "redirect": faulty("redirect", "/oauth/token"),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_token_is_anywhere_but_in_the_vault(
    way: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    metrics: Metrics,
    spans: InMemorySpanExporter,
) -> None:
    """No log at any level, no metric, span, error, repr, document, entry of the audit or URL has one."""
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    with a_world(tmp_path) as world:
        services = with_app(world)
        connection = connected(services)
        world.document("exports/vip.json", connection="eu")
        tokens = Tokens.parse("", services.vault.secret(connection.secret_name))
        shown += map(repr, (tokens, oauth_app(services), connection))
        shown.append(repr(open_account(services, connection, deadline_of(services))))
        try:
            WAYS[way](world, services)
        except ExportError as error:
            shown += traceback.format_exception(error)
        shown += [request.path for request in world.stand_in.requests]
        assert MARK.search(tokens.secret())

    state = world.services.state
    shown += [f"{blob.name} {blob.metadata} {state.read(blob.name).content!r}" for blob in state.list()]
    shown += [span.to_json() for span in spans.get_finished_spans()]
    shown += map(repr, metrics.points())
    shown += [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    shown += capfd.readouterr()
    held = [text for text in shown if MARK.search(text)]
    assert not held, held
