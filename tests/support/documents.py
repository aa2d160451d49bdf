"""The example documents of the contract, and the shortest that are valid."""

from typing import Any

CONNECTION: dict[str, Any] = {
    "version": 1,
    "id": "klaviyo-eu",
    "display_name": "Klaviyo EU",
    "type": "klaviyo",
    "secret_name": "klaviyo-eu-key",
    "shared_with": "administrators",
    "export_user": "marketing@example.org",
    "consent": {"accepted_by": "admin@example.org", "accepted_at": "2026-11-23T20:00:00Z"},
    "account": {"id": "XyZ123", "name": "Example"},
    "created_at": "2026-11-23T20:00:00Z",
    "created_by": "admin@example.org",
    "updated_at": "2026-11-23T20:00:00+01:00",
    "updated_by": "admin@example.org",
}
EXPORT: dict[str, Any] = {
    "version": 1,
    "id": "vip",
    "display_name": "VIPs",
    "connection": "klaviyo-eu",
    "segments": ["HighValueSegment"],
    "list_id": "Y6nRLr",
    "match": {"email": "EMail"},
    "attributes": {
        "first_name": "FirstName",
        "phone_number": {"column": "Telephone", "region": "US"},
        "location.city": "City",
        "properties": ["RewardPoints", {"column": "CreatedOn", "name": "Customer since"}],
    },
    "only_if": {"column": "Newsletter consent", "equals": "True"},
    "consent": {"subscribe": "email", "consented_at": "ConsentedOn"},
    "schedule": {"active": True, "when": "on_refresh"},
    "limits": {"max_profiles": 1_000_000},
}
SHORT_CONNECTION = {key: CONNECTION[key] for key in ("id", "secret_name", "consent")}
SHORT_EXPORT = {key: EXPORT[key] for key in ("id", "connection", "segments", "list_id", "match")}
