"""A stand-in Klaviyo for tests, demos and benches: stateful, scripted, never random, and strict.

    stand_in = StandIn()
    with serving(app(stand_in)) as url:
        ...  # KLAVIYO_URL=url, key pk_sandbox, list Y6nRLr
        stand_in.members("Y6nRLr")
        ByHand(stand_in).suppress("someone@example.org")

It emulates revision 2026-10-15, with scopes and rate limits: bulk imports and their results; lists with
their count, opt-in process and flows; reading, finding, adding and removing members; profiles; consent to
email marketing; erasure; accounts and their usage. A profile has a primary address and up to four secondary
ones; profiles with the same external_id are merged. If Klaviyo's behavior is unconfirmed, the stand-in is
strict, or a script chooses (see `StandIn` and `Fault`). Its responses repeat personal data wherever Klaviyo's
might, so clients must not log them.

Other processes inspect and script it over HTTP, at /sandbox/…; docs/sandbox.md lists all endpoints.
"""

from sandbox.klaviyo.accounts import SCOPES
from sandbox.klaviyo.by_hand import ByHand
from sandbox.klaviyo.faults import Fault
from sandbox.klaviyo.jobs import ImportFailure, JobPlan
from sandbox.klaviyo.server import app
from sandbox.klaviyo.stand_in import StandIn

__all__ = ["SCOPES", "ByHand", "Fault", "ImportFailure", "JobPlan", "StandIn", "app"]
