"""A stand-in Klaviyo for tests, demos and benches: stateful, scripted, never random, and strict.

    stand_in = StandIn()
    with serving(app(stand_in)) as url:
        ...  # KLAVIYO_URL=url, key pk_sandbox, list Y6nRLr
        stand_in.members("Y6nRLr")
        ByHand(stand_in).suppress("somebody@example.org")

It plays, as of revision 2026-10-15, with their scopes and rate limits: bulk imports and what came of them;
lists with their count, opt-in process and flows; members, read, found, added and removed; profiles; consent
to email marketing; erasure; accounts and their usage. A profile has a primary address and up to four
secondary ones; profiles that share an external_id are merged. Where Klaviyo's behaviour is unconfirmed it
takes the stricter side, or lets a script choose (see `StandIn` and `Fault`). Its answers echo personal data
wherever Klaviyo's might: a client has to keep quiet about it.

Other processes look and script over HTTP, at /sandbox/…; docs/sandbox.md lists every endpoint and request.
"""

from sandbox.klaviyo.accounts import SCOPES
from sandbox.klaviyo.by_hand import ByHand
from sandbox.klaviyo.faults import Fault
from sandbox.klaviyo.jobs import ImportFailure, JobPlan
from sandbox.klaviyo.server import app
from sandbox.klaviyo.stand_in import StandIn

__all__ = ["SCOPES", "ByHand", "Fault", "ImportFailure", "JobPlan", "StandIn", "app"]
