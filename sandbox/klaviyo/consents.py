"""Consent to email marketing: of a profile, and in the body of a subscription job."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sandbox.klaviyo.errors import invalid
from sandbox.klaviyo.imports import PROFILES, is_valid_email

MAX_SUBSCRIBERS = 1000
type Suppression = Literal["UNSUBSCRIBE", "SPAM_REPORT", "USER_SUPPRESSED", "HARD_BOUNCE", "INVALID_EMAIL"]
REVOKING = frozenset({"UNSUBSCRIBE", "SPAM_REPORT"})
LIFTED = REVOKING | {"USER_SUPPRESSED"}  # by a subscription; the others stay
MARKETING = "attributes/subscriptions/email/marketing"


@dataclass(frozen=True, slots=True)
class Consent:
    """`consented_at` in epoch s."""

    email: Literal["SUBSCRIBED", "UNSUBSCRIBED", "NEVER_SUBSCRIBED"] = "NEVER_SUBSCRIBED"
    consented_at: float | None = None
    custom_source: str | None = None
    suppressions: frozenset[Suppression] = frozenset()

    def subscribe(self, consented_at: float, custom_source: str | None) -> "Consent":
        return Consent("SUBSCRIBED", consented_at, custom_source, self.suppressions - LIFTED)

    def suppress(self, reason: Suppression) -> "Consent":
        email = "UNSUBSCRIBED" if reason in REVOKING else self.email
        return replace(self, email=email, suppressions=self.suppressions | {reason})


class Subscriber(NamedTuple):
    """An address (lowercase), and, in a historical job, when its owner consented (epoch s)."""

    email: str
    consented_at: float | None


class SubscriptionJob(NamedTuple):
    """People to subscribe, checked."""

    list_id: str | None
    custom_source: str | None
    historical: bool
    subscribers: list[Subscriber]


def read_subscription_job(body: Any, now: float) -> SubscriptionJob:
    """Checks the whole body of a job for email marketing; raises ApiError (400)."""
    match body:
        case {
            "data": {
                "type": "profile-subscription-bulk-create-job",
                "attributes": {"profiles": {"data": list(profiles)}} as attributes,
            }
        }:
            pass
        case _:
            raise invalid("The payload provided in the request is invalid.")
    if not 0 < len(profiles) <= MAX_SUBSCRIBERS:
        raise invalid(f"Between 1 and {MAX_SUBSCRIBERS} profiles are required.", PROFILES)
    source, historical = attributes.get("custom_source"), attributes.get("historical_import") or False
    if not isinstance(source, str | None) or not isinstance(historical, bool):
        raise invalid("custom_source is a text, historical_import a boolean.", "/data/attributes")
    return SubscriptionJob(
        list_id=_read_list_id(body["data"]),
        custom_source=source,
        historical=historical,
        subscribers=[
            _read_subscriber(profile, f"{PROFILES}/{index}", now if historical else None)
            for index, profile in enumerate(profiles)
        ],
    )


def _read_list_id(data: dict[str, Any]) -> str | None:
    """The list, or None without one. Unlike an import's, it is one list, not an array."""
    match data.get("relationships"):
        case None:
            return None
        case {"list": {"data": {"type": "list", "id": str(list_id)}}}:
            return list_id
    raise invalid("The relationship of a subscription is one list.", "/data/relationships")


def _read_subscriber(profile: Any, pointer: str, now: float | None) -> Subscriber:
    """`now` is set if the consent must be in the past. Supports no channel except email."""
    match profile:
        case {
            "type": "profile",
            "attributes": {
                "email": email,
                "subscriptions": {
                    "email": {"marketing": {"consent": "SUBSCRIBED", **marketing}, **more},
                    **channels,
                },
                **attributes,
            },
        } if not (more or channels or attributes or marketing.keys() - {"consented_at"}):
            pass
        case _:
            raise invalid("A profile has an email, and subscribes to email marketing.", pointer)
    if not is_valid_email(email):
        raise invalid(f"Invalid email address: {email}", f"{pointer}/attributes/email")
    consented_at, pointer = marketing.get("consented_at"), f"{pointer}/{MARKETING}/consented_at"
    if now is None:
        if consented_at is not None:
            raise invalid("consented_at is not allowed without historical_import.", pointer)
        return Subscriber(email.lower(), None)
    moment = _read_moment(consented_at)
    if moment is None or moment >= now:
        raise invalid("With historical_import, consented_at must be there and in the past.", pointer)
    return Subscriber(email.lower(), moment)


def _read_moment(written: object) -> float | None:
    """Epoch s; None if it is not a date and time with an offset."""
    try:
        moment = datetime.fromisoformat(written if isinstance(written, str) else "")
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.timestamp()
