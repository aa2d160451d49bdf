"""Checks that a deployed app's timer ticks, from its health."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

from pydantic import AwareDatetime, BaseModel, ValidationError

from cli.doctor.sign_in import NOT_REACHED, PATIENCE
from shared.administration.checkup.finding import Finding
from shared.administration.checkup.timer import timer_finding
from shared.settings import LOOPBACK, https_url


class _Health(BaseModel):
    last_tick: AwareDatetime | None


def check_timer(url: str) -> Finding:
    """Reads the app's health, which needs no key. Raises InvalidSettings if it can't be its address."""
    import httpx

    address = https_url("--url", url).rstrip("/")
    name = f"timer of {address}"
    try:
        answer = httpx.get(f"{address}/api/health", timeout=PATIENCE, follow_redirects=False)
        health = _Health.model_validate_json(answer.content)
    except httpx.HTTPError as error:
        return Finding(name, f"can't be reached ({type(error).__name__})", NOT_REACHED)
    except ValidationError:
        message = f"its health does not show when it last ticked ({answer.status_code})"
        return Finding(name, message, NOT_REACHED)
    age = None if health.last_tick is None else datetime.now(UTC) - health.last_tick
    return timer_finding(name, age, is_expected=urlsplit(address).hostname not in LOOPBACK)
