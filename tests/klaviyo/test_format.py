"""The bounds of Klaviyo's format: what is at the bound is taken, and what is beyond it is refused."""

import orjson
import pytest
from openapi_client.models.profile_import_job_create_query import ProfileImportJobCreateQuery

from sandbox.klaviyo import StandIn
from shared.adapters.clock import Deadline
from shared.errors import BatchRefused
from shared.klaviyo import MOST_PROFILES, PROFILE_FORMAT, ImportBody, Klaviyo, Permit
from shared.klaviyo.format import MOST_BYTES
from tests.support.world import LIST, MadeClock


def profile(**attributes: str) -> bytes:
    content = orjson.dumps({"email": "abbie@example.org"} | attributes)
    return PROFILE_FORMAT.head + content + PROFILE_FORMAT.tail


def profile_of(size: int) -> bytes:
    return profile(title="x" * (size - len(profile(title=""))))


def email_of(length: int) -> bytes:
    return profile(email=f"abbie@{'b' * (length - 10)}.org")


@pytest.mark.parametrize(
    ("longest", "too_long"),
    [
        (profile_of(PROFILE_FORMAT.most_bytes), profile_of(PROFILE_FORMAT.most_bytes + 1)),
        (email_of(PROFILE_FORMAT.longest_email), email_of(PROFILE_FORMAT.longest_email + 1)),
        (
            profile(external_id="é" * PROFILE_FORMAT.longest_external_id),
            profile(external_id="é" * (PROFILE_FORMAT.longest_external_id + 1)),
        ),
    ],
    ids=["bytes", "email", "external id"],
)
def test_the_bounds_of_a_profile_are_klaviyos(
    klaviyo: Klaviyo, clock: MadeClock, longest: bytes, too_long: bytes
) -> None:
    """Klaviyo takes a profile at each bound, and refuses one that is longer by one."""
    assert klaviyo.import_profiles(ImportBody([longest], LIST), Deadline(clock, 60), Permit())
    with pytest.raises(BatchRefused) as caught:
        klaviyo.import_profiles(ImportBody([longest, too_long], LIST), Deadline(clock, 60), Permit())

    assert [refused.index for refused in caught.value.profiles] == [1]


def test_the_most_profiles_of_a_job_are_klaviyos(klaviyo: Klaviyo, clock: MadeClock) -> None:
    """Klaviyo takes that many profiles, and refuses a job of one more."""
    profiles = [profile(email=f"person-{number}@example.org") for number in range(MOST_PROFILES + 1)]

    assert klaviyo.import_profiles(ImportBody(profiles[1:], LIST), Deadline(clock, 60), Permit())
    with pytest.raises(BatchRefused, match="400"):
        klaviyo.import_profiles(ImportBody(profiles, LIST), Deadline(clock, 60), Permit())


def test_the_largest_job_is_below_klaviyos_limit(klaviyo: Klaviyo, clock: MadeClock) -> None:
    """Klaviyo takes a body of the most bytes; whichever 5 MB it means, the margin is 8 percent at least."""
    profiles = [profile(email=f"person-{number}@example.org", title="x" * 90_000) for number in range(51)]
    body = ImportBody(profiles, LIST)
    largest = ImportBody([*profiles[1:], profile_of(len(profiles[0]) + MOST_BYTES - body.size)], LIST)

    assert largest.size == MOST_BYTES <= 5_000_000 * 0.92
    assert klaviyo.import_profiles(largest, Deadline(clock, 60), Permit())


def test_a_profile_loses_the_custom_properties_that_it_names(
    klaviyo: Klaviyo, stand_in: StandIn, clock: MadeClock
) -> None:
    """What is unset is gone at Klaviyo, and nothing else; its own model of a profile knows each member."""
    properties = {"Pets": 2, 'a "b"': 1, "é": 3}
    before = {"email": "abbie@example.org", "first_name": "Abbie", "properties": properties}
    attributes = orjson.dumps({"email": "abbie@example.org", "properties": {"Age": 7}})
    unsetting = PROFILE_FORMAT.head + attributes + PROFILE_FORMAT.tail_unsetting(['a "b"', "é"])

    for profile in (PROFILE_FORMAT.head + orjson.dumps(before) + PROFILE_FORMAT.tail, unsetting):
        klaviyo.import_profiles(ImportBody([profile], LIST), Deadline(clock, 60), Permit())

    kept = stand_in.profile("abbie@example.org").attributes
    assert kept == {"first_name": "Abbie", "properties": {"Pets": 2, "Age": 7}}
    body = orjson.loads(b"".join(ImportBody([unsetting], LIST)))
    assert ProfileImportJobCreateQuery.model_validate(body).to_dict() == body
