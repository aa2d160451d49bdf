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

Other processes look and script over HTTP; `{who}` is an address or a profile's id:

| request | what it does |
|---|---|
| GET /sandbox/state | accounts: profiles, consent, lists, jobs; requests by endpoint and status (0: none) |
| GET /sandbox/requests | the log: arrived, time, method, path, endpoint, status, size (bytes), retry_after |
| GET /sandbox/lists/{id}/members | a JSON object a line: identifiers, joined_group_at, consent |
| GET /sandbox/profiles/{who} | identifiers, emails, attributes (where they are kept), lists, consent |
| POST /sandbox/faults | adds faults: a JSON array of `Fault` |
| DELETE /sandbox/faults | forgets them |
| POST /sandbox/accounts | adds one: `{"id", "name", "keys": {key: [scope]}, "lists": {id: name}, "plan"}` |
| PATCH /sandbox/lists/{id} | `{"opt_in_process", "flows": [name]}` |
| PATCH /sandbox/switches | `{"secondary_addresses_found", "unknown_ids_ignored"}`: see `StandIn` |
| POST /sandbox/merges | `{"source": who, "destination": who}` become one profile |
| PUT /sandbox/profiles/{who}/primary | `{"email"}` becomes the primary address |
| POST /sandbox/profiles/{who}/suppressions | `{"reason", "list"}`: unsubscribes by default; leaves the list |
| DELETE /sandbox/profiles/{who} | deletes a profile |
| POST /sandbox/lists/{id}/members | `{"email"}` joins, a stranger too |
| DELETE /sandbox/lists/{id}/members/{who} | leaves |
"""

from sandbox.klaviyo.accounts import SCOPES
from sandbox.klaviyo.by_hand import ByHand
from sandbox.klaviyo.faults import Fault
from sandbox.klaviyo.jobs import ImportFailure, JobPlan
from sandbox.klaviyo.server import app
from sandbox.klaviyo.stand_in import StandIn

__all__ = ["SCOPES", "ByHand", "Fault", "ImportFailure", "JobPlan", "StandIn", "app"]
