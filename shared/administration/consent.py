"""The text that people agree to when they create a connection, and the record of their consent."""

from hashlib import sha256
from typing import Any

from shared.administration.rights import Person
from shared.services import Services

CONSENT = """\
This connection sends personal data from Microsoft's cloud to Klaviyo: the email addresses of the people in
the segments that are exported over it, and the columns that the exports name. Your contract with Klaviyo
governs what Klaviyo does with the data. You are responsible for having the right to send it.
"""


def consent_of(services: Services, by: Person) -> dict[str, Any]:
    """The record of a consent given now, for a connection's document."""
    consent = {
        "accepted_by": by.name,
        "accepted_at": services.clock.now().isoformat(),
        "text_digest": sha256(CONSENT.encode()).hexdigest(),
    }
    return consent | ({"object_id": by.object_id} if by.object_id else {})
