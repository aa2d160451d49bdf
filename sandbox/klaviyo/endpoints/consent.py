"""Subscriptions and erasures: jobs that respond with an empty 202 and can't be polled."""

from functools import partial

from sandbox.klaviyo.call import Call
from sandbox.klaviyo.consents import read_subscription_job
from sandbox.klaviyo.errors import invalid

PROFILE = "/data/attributes/profile/data"


def subscribe(call: Call) -> None:
    job = read_subscription_job(call.body, call.now)
    if job.list_id is not None and job.list_id not in call.account.lists:
        raise invalid(f"List ID {job.list_id} does not exist.")
    end = call.now + call.stand_in.job_seconds
    call.account.later(end, partial(call.account.subscribe, job, end))


def erase(call: Call) -> None:
    """Also accepts unknown identifiers: matching happens later."""
    match call.body:
        case {
            "data": {
                "type": "data-privacy-deletion-job",
                "attributes": {
                    "profile": {"data": {"type": "profile", "attributes": dict(attributes), **identity}}
                },
            }
        } if attributes.keys() <= {"email", "phone_number"} and identity.keys() <= {"id"}:
            given = {name: value for name, value in (identity | attributes).items() if value is not None}
        case _:
            raise invalid("The payload provided in the request is invalid.")
    match list(given.items()):
        case [(str(identifier), str(value))]:
            work = partial(call.account.erase, identifier, value)
            call.account.later(call.now + call.stand_in.job_seconds, work)
        case _:
            raise invalid("Exactly one of id, email or phone_number is required.", PROFILE)
