"""Messages to the operator's webhook: signed, tried three times, bounded, and to one secret address only."""

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.adapters.clock import Deadline
from shared.adapters.webhook import PATIENCE, PAUSES, Webhook, WebhookRefused, WebhookUnavailable
from shared.errors import ExportError, InvalidSettings
from tests.support.hostile import (
    Malice,
    dripping,
    dripping_head,
    endless,
    endless_continue,
    endless_head,
    long,
    made_tls,
    serving_malice,
    silent,
    slow_reader,
)
from tests.support.webhook import KEY, TOKEN, Receiver, receiving
from tests.support.world import MadeClock

BODY = b'{"test": 2432232314}'


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def send(
    address: str, clock: MadeClock | None = None, seconds: float = 60, patience: float = PATIENCE
) -> None:
    clock = clock or MadeClock()
    Webhook(address, patience=patience).send("msg_1", BODY, clock, Deadline(clock, seconds))


def test_a_message_is_in_the_form_of_the_standard(receiver: Receiver) -> None:
    """The example that Standard Webhooks publishes for its libraries is signed as it is there."""
    clock = MadeClock(datetime.fromtimestamp(1_614_265_330, UTC))
    webhook = Webhook.parse("ops", f"{receiver.address} {KEY}")

    webhook.send("msg_p5jXN8AQM9LWM0D4loKWxJek", BODY, clock, Deadline(clock, 60))

    [message] = receiver.messages
    assert message.path == f"/{TOKEN}?code={TOKEN}"
    assert message.body == BODY
    assert message.headers["content-type"] == "application/json"
    assert message.headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert message.headers["webhook-timestamp"] == "1614265330"
    assert message.headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert message.is_signed_with(KEY)


def test_without_a_key_nothing_is_signed(receiver: Receiver) -> None:
    """Services that have all of their secret in the address need no key."""
    send(receiver.address)
    [message] = receiver.messages
    assert "webhook-signature" not in message.headers


@pytest.mark.parametrize(
    "secret",
    [
        f"pk_{TOKEN}",
        f"http://example.org/{TOKEN}",
        f"https://{TOKEN}@example.org/",
        f"https://example.org/#{TOKEN}",
        f"https:///{TOKEN}",
        f"https://example.org:{TOKEN}/",
        f"https://example.org/ {TOKEN}",
        f"https://example.org/ whsec_{TOKEN}!",
        "https://example.org/ whsec_",
        "https://example.org/ whsec_YW!Jj",
        f"https://example.org/ {KEY} {TOKEN}",
    ],
)
def test_what_is_not_an_address_is_refused_by_the_secrets_name(secret: str) -> None:
    """The message names the secret, and nothing of its value."""
    with pytest.raises(InvalidSettings) as caught:
        Webhook.parse("ops-webhook", secret)
    assert "The secret ops-webhook " in caught.value.message
    assert TOKEN not in caught.value.message


@pytest.mark.parametrize(
    ("answers", "error", "requests"),
    [
        ([200], None, 1),
        ([299], None, 1),
        ([500, 429, 204], None, 3),
        ([503, 500, 502], WebhookUnavailable, 3),
        ([429, 429, 429, 204], WebhookUnavailable, 3),
        ([400], WebhookRefused, 1),
        ([404, 204], WebhookRefused, 1),
        ([500, 410, 204], WebhookRefused, 2),
    ],
)
def test_only_what_may_pass_is_tried_again_and_three_times_in_all(
    receiver: Receiver, answers: list[int], error: type[ExportError] | None, requests: int
) -> None:
    """A 2xx is success; after 429 and 5xx it is tried again, after a pause; another answer is the last."""
    receiver.answer(*answers)
    clock = MadeClock()

    if error is None:
        send(receiver.address, clock)
    else:
        with pytest.raises(error):
            send(receiver.address, clock)

    assert len(receiver.messages) == requests
    assert clock.monotonic() == pytest.approx(sum(PAUSES[: requests - 1]))


def test_the_certificate_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over https nobody else takes the message."""
    tls, authority = made_tls(tmp_path)
    with receiving(tls) as receiver:
        with pytest.raises(WebhookUnavailable):
            send(receiver.address, seconds=0)
        assert receiver.messages == []

        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        send(receiver.address)
        assert len(receiver.messages) == 1


def test_a_connection_that_fails_is_tried_three_times(receiver: Receiver) -> None:
    """Nobody listens there any more."""
    with receiving() as gone:
        address = gone.address
    clock = MadeClock()
    with pytest.raises(WebhookUnavailable):
        send(address, clock)
    assert clock.monotonic() == pytest.approx(sum(PAUSES))


@pytest.mark.parametrize(("seconds", "requests"), [(0, 1), (PATIENCE, 1), (PATIENCE + 1.5, 2), (60, 3)])
def test_a_further_try_needs_time_and_the_first_needs_none(
    receiver: Receiver, seconds: float, requests: int
) -> None:
    """A run that took all of its time is reported all the same, once."""
    receiver.answer(500, 500, 500)
    with pytest.raises(WebhookUnavailable):
        send(receiver.address, seconds=seconds)
    assert len(receiver.messages) == requests


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    """The message goes to the address of the secret, and nowhere else."""
    with receiving() as elsewhere:
        receiver.answer(status, Location=elsewhere.address)
        with pytest.raises(WebhookRefused) as caught:
            send(receiver.address)
    assert elsewhere.messages == []
    assert len(receiver.messages) == 1
    assert str(status) in caught.value.message


@pytest.mark.parametrize("malice", [endless, long, dripping], ids=lambda malice: malice.__name__)
def test_what_is_behind_the_status_is_not_read(malice: Malice) -> None:
    """An answer that is huge, or that drips, is over with its headers."""
    began = time.monotonic()
    with serving_malice(malice) as url:
        send(url, seconds=0)
        assert time.monotonic() - began < PATIENCE


@pytest.mark.parametrize(
    "malice",
    [dripping_head, endless_head, endless_continue, silent, slow_reader],
    ids=lambda malice: malice.__name__,
)
def test_a_try_ends_in_time(malice: Malice) -> None:
    """However the bytes of the headers come: slowly, without an end, or not at all."""
    began = time.monotonic()
    with serving_malice(malice) as url, pytest.raises(WebhookUnavailable):
        send(url, seconds=0, patience=0.5)
    assert time.monotonic() - began < PATIENCE


@pytest.mark.parametrize("status", [204, 400, 500, 302])
def test_the_address_and_the_key_are_nowhere(
    receiver: Receiver, status: int, caplog: pytest.LogCaptureFixture, spans: InMemorySpanExporter
) -> None:
    """No log at any level, no error and no span has a part of them, instrumented or not."""
    caplog.set_level(logging.DEBUG)
    receiver.answer(*[status] * 3, Location=receiver.address)
    webhook = Webhook.parse("ops", f"{receiver.address} {KEY}")
    clock = MadeClock()
    shown = [repr(webhook)]
    HTTPXClientInstrumentor().instrument()
    try:
        webhook.send("msg_1", BODY, clock, Deadline(clock, 60))
    except ExportError as error:
        shown.append(f"{error!r} {error.__cause__} {error.__context__}")
    finally:
        HTTPXClientInstrumentor().uninstrument()
    shown += [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    shown += [span.to_json() for span in spans.get_finished_spans()]
    secrets = (TOKEN, receiver.url, receiver.url.rpartition(":")[2], KEY, KEY.removeprefix("whsec_"))
    assert [text for text in shown if any(secret in text for secret in secrets)] == []
