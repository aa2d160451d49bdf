"""The people of an account: looking them up, subscribing them with their consent, and erasing them."""

from collections.abc import Iterable, Sequence
from datetime import UTC

from shared.adapters.clock import Deadline
from shared.klaviyo.answers import check_done
from shared.klaviyo.body import JsonBody
from shared.klaviyo.calls import Permit
from shared.klaviyo.lists import Lists
from shared.klaviyo.lookup import look_up
from shared.klaviyo.resources import Person, Subscriber


class People(Lists):
    """The people of one account."""

    def profiles_among(
        self, emails: Iterable[str], deadline: Deadline, *, external_ids: bool = False
    ) -> list[Person]:
        """The profiles that have one of these addresses (GET /api/profiles).

        A profile can have several addresses, and may show one that is not among these. Raises Denied if
        Klaviyo refuses a request for a single address.
        """
        path = "/api/profiles"
        return look_up(self._calls, "profiles", path, emails, deadline, external_ids=external_ids)

    def subscribe(
        self, list_id: str, subscribers: Sequence[Subscriber], deadline: Deadline, permit: Permit
    ) -> None:
        """Subscribes at most 1,000 people who consented earlier to email marketing, and puts them on a list.

        POST /api/profile-subscription-bulk-create-jobs, as a historical import: nobody is asked to confirm,
        and the list's flows don't start. It lifts the suppression of people who unsubscribed, reported spam
        or were suppressed by hand. Klaviyo accepts the job and never reports its outcome; repeating it is
        safe. Raises BatchRefused and NotFound as `import_profiles` does, and Denied if the key lacks the
        scope subscriptions:write.
        """
        data = {
            "type": "profile-subscription-bulk-create-job",
            "attributes": {
                "historical_import": True,
                "profiles": {"data": list(map(_subscription, subscribers))},
            },
            "relationships": {"list": {"data": {"type": "list", "id": list_id}}},
        }
        body = JsonBody({"data": data}, count=len(subscribers))
        path = "/api/profile-subscription-bulk-create-jobs"
        with self._batch_for(list_id, deadline):
            self._calls.post("subscribe", path, body, deadline, permit, check_done)

    def erase(self, email: str, deadline: Deadline, permit: Permit) -> None:
        """Asks Klaviyo to delete every profile that has this address, for good.

        POST /api/data-privacy-deletion-jobs. Klaviyo accepts the job and never reports its outcome;
        repeating it is safe. A later import creates a new profile. Raises NotFound if Klaviyo has no such
        profile, which is possible after an attempt whose answer was lost; Denied if the key lacks the
        scope data-privacy:write.
        """
        profile = {"type": "profile", "attributes": {"email": email}}
        data = {"type": "data-privacy-deletion-job", "attributes": {"profile": {"data": profile}}}
        path = "/api/data-privacy-deletion-jobs"
        self._calls.post("erase", path, JsonBody({"data": data}, count=0), deadline, permit, check_done)


def _subscription(subscriber: Subscriber) -> dict[str, object]:
    consented_at = subscriber.consented_at.astimezone(UTC).isoformat()
    marketing = {"consent": "SUBSCRIBED", "consented_at": consented_at}
    return {
        "type": "profile",
        "attributes": {
            "email": subscriber.email,
            "subscriptions": {"email": {"marketing": marketing}},
        },
    }
