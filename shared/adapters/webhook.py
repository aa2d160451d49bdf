"""Messages to the operator's address, in the form of Standard Webhooks (standardwebhooks.com).

The address is as secret as the key: it often has a token in its path or query. So httpx, which would log it,
is bypassed, and no error here contains it.
"""

import hmac
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Self

import httpcore
import httpx

from shared.adapters.clock import Clock, Deadline
from shared.adapters.streams import open_pool
from shared.errors import InvalidSettings, PermanentError, TryLater
from shared.settings import https_url

# Seconds that a try may take, and between the tries.
PATIENCE = 4.0
PAUSES = (1.0, 2.0)

_ONE = httpx.Limits(max_connections=1)
_BROKEN = (
    *(httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError),
    *(httpcore.TimeoutException, httpcore.UnsupportedProtocol),
)


class WebhookRefused(PermanentError):
    """The webhook refused the message."""

    code = "webhook_refused"


class WebhookUnavailable(TryLater):
    """No try got a conclusive answer; the message may have arrived."""

    code = "webhook_unavailable"


class Webhook:
    """An address that accepts messages, and the key that signs them, if any.

    `patience` is the most that a try may take, in seconds.
    """

    def __init__(self, address: str, key: bytes | None = None, *, patience: float = PATIENCE) -> None:
        self._address = address
        self._key = key
        self._patience = patience

    @classmethod
    def parse(cls, name: str, secret: str) -> Self:
        """Parses the secret: the address, optionally followed by white space and `whsec_<base64>`.

        Raises InvalidSettings, which names the secret but shows nothing of its value.
        """
        address, *keys = secret.split()
        https_url(f"The secret {name}", address, query=True)
        if not keys:
            return cls(address)
        key = _key(keys[0]) if len(keys) == 1 else None
        if not key:
            raise InvalidSettings(
                f"The secret {name} must be an address, optionally followed by a space and whsec_<base64>."
            )
        return cls(address, key)

    def send(self, message_id: str, body: bytes, clock: Clock, deadline: Deadline) -> None:
        """Posts the JSON, at most three times while time is left; the first try is always made.

        Does not follow redirects. Raises WebhookRefused, WebhookUnavailable.
        """
        for pause in (*PAUSES, None):
            status = self._post(self._headers(message_id, body, int(clock.now().timestamp())), body)
            if status is not None and status // 100 == 2:
                return
            if status is not None and status != 429 and status // 100 != 5:
                raise WebhookRefused(f"The webhook answered with status {status}.")
            if pause is None or deadline.left() < pause + self._patience:
                break
            deadline.sleep(pause)
        raise WebhookUnavailable("The webhook did not accept the message in time.")

    def _headers(self, message_id: str, body: bytes, timestamp: int) -> dict[str, str]:
        headers = {
            "content-type": "application/json",
            "user-agent": "segment-export",
            "webhook-id": message_id,
            "webhook-timestamp": f"{timestamp}",
        }
        if self._key is not None:
            signature = hmac.digest(self._key, f"{message_id}.{timestamp}.".encode() + body, sha256)
            headers["webhook-signature"] = f"v1,{b64encode(signature).decode()}"
        return headers

    def _post(self, headers: Mapping[str, str], body: bytes) -> int | None:
        """The status of the answer, whose content is not read; None if none arrived in time."""
        ends = time.monotonic() + self._patience
        timeout = {"connect": ends, "read": ends, "write": ends, "pool": self._patience}
        try:
            with (
                open_pool(self._address, _ONE) as pool,
                pool.stream(
                    "POST",
                    self._address,
                    headers=list(headers.items()),
                    content=body,
                    extensions={"timeout": timeout},
                ) as answer,
            ):
                return answer.status
        except _BROKEN:
            return None


def _key(text: str) -> bytes | None:
    """The key after `whsec_`; None if it is not valid."""
    prefix, _, encoded = text.partition("_")
    try:
        return b64decode(encoded, validate=True) if prefix == "whsec" else None
    except ValueError:
        return None
