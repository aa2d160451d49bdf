"""A stand-in Klaviyo for tests, demos and benches: stateful, scripted, never random, and strict.

    stand_in = StandIn()
    with serving(app(stand_in)) as url:
        ...  # KLAVIYO_URL=url, key pk_sandbox, list Y6nRLr
        stand_in.members("Y6nRLr")

It knows the endpoints of bulk imports, lists, profiles and accounts of revision 2026-10-15, and their limits.
Where Klaviyo's behaviour is unconfirmed it takes the stricter side, or lets a script choose (see `StandIn`
and `Fault`). Its answers echo personal data wherever Klaviyo's might: a client has to keep quiet about it.

Other processes look and script over HTTP:

| request | what it does |
|---|---|
| GET /sandbox/state | accounts: profiles, lists, jobs; requests by endpoint and status (0: no answer) |
| GET /sandbox/requests | the log: time, method, path, endpoint, status, size (bytes), retry_after |
| GET /sandbox/lists/{id}/members | one JSON object a line: id, email, phone_number, external_id |
| GET /sandbox/profiles/{email} | the same, and the attributes, where they are kept |
| POST /sandbox/faults | adds faults: a JSON array of `Fault` |
| DELETE /sandbox/faults | forgets them |
| POST /sandbox/accounts | adds an account: `{"id", "name", "keys": {key: [scope]}, "lists": {id: name}}` |
"""

from sandbox.klaviyo.accounts import SCOPES
from sandbox.klaviyo.faults import Fault
from sandbox.klaviyo.jobs import ImportFailure, JobPlan
from sandbox.klaviyo.server import app
from sandbox.klaviyo.stand_in import StandIn

__all__ = ["SCOPES", "Fault", "ImportFailure", "JobPlan", "StandIn", "app"]
