"""Klaviyo's rules for the body of a bulk import: pure checks, all or nothing."""

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from sandbox.klaviyo.errors import ApiError, Problem, invalid

MAX_PROFILES = 10_000
MAX_BODY = 5_000_000  # bytes; whether Klaviyo means 5 * 2**20 is unconfirmed, this is stricter
MAX_PROFILE = 100_000  # bytes
MAX_EMAIL = 100
MAX_EXTERNAL_ID = 255
PROFILES = "/data/attributes/profiles/data"

TEXT, OBJECT, ANYTHING = (str, type(None)), (dict, type(None)), (object,)
TEXTS = "email phone_number external_id _kx first_name last_name organization locale title image"
PLACES = "address1 address2 city country region zip timezone ip"
ATTRIBUTES = dict.fromkeys(TEXTS.split(), TEXT) | {"location": OBJECT, "properties": OBJECT}
LOCATION = dict.fromkeys(PLACES.split(), TEXT) | {"latitude": ANYTHING, "longitude": ANYTHING}

# The real Klaviyo was seen to refuse `mailto:`, `!` in the local part, a digit in the top-level domain.
_LOCAL = r"[A-Za-z0-9#$%&'*+/=?^_`{|}~-]+"
EMAIL = re.compile(rf"{_LOCAL}(?:\.{_LOCAL})*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{{2,}}")
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")


def read_profiles(body: Any) -> list[Any]:
    """The profiles of an import job's body, not yet checked."""
    try:
        data = body["data"]
        kind, profiles = data["type"], data["attributes"]["profiles"]["data"]
    except (KeyError, TypeError):
        raise invalid("The payload provided in the request is invalid.") from None
    if kind != "profile-bulk-import-job":
        raise invalid("The resource type must be 'profile-bulk-import-job'.", "/data/type")
    if not isinstance(profiles, list) or not profiles:
        raise invalid("At least one profile is required.", PROFILES)
    if len(profiles) > MAX_PROFILES:
        raise invalid(f"A maximum of {MAX_PROFILES} profiles is allowed.", PROFILES)
    return profiles


def read_list_id(body: Any) -> str | None:
    """The list next to `attributes`; None if it is missing or nested elsewhere."""
    try:
        lists = body["data"]["relationships"]["lists"]["data"]
    except (KeyError, TypeError):
        return None
    match lists:
        case []:
            return None
        case [{"type": "list", "id": str(identifier)}]:
            return identifier
    raise invalid("One list is allowed for each job.", "/data/relationships/lists/data")


def check_profiles(profiles: list[Any], refused_emails: Container[str]) -> Iterator[Problem]:
    """One problem per bad profile; its pointer names the row. A script sets `refused_emails`."""
    for index, profile in enumerate(profiles):
        problem = _check_profile(profile, refused_emails)
        if problem:
            yield replace(problem, pointer=f"{PROFILES}/{index}{problem.pointer}")


def refusal(problems: list[Problem], named: int | None) -> ApiError:
    """The 400 for bad profiles; `named` is how many of them it names: None for all, 0 for only /data."""
    return ApiError(400, problems[:named]) if named != 0 else invalid("Invalid input.")


def is_valid_email(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_EMAIL and EMAIL.fullmatch(value) is not None


def is_valid_phone(value: object) -> bool:
    return isinstance(value, str) and PHONE.fullmatch(value) is not None


def _check_profile(profile: Any, refused_emails: Container[str]) -> Problem | None:
    """The profile's first problem; its pointer begins at the profile."""
    if not isinstance(profile, dict) or not isinstance(profile.get("attributes"), dict):
        return Problem("A profile has a type and attributes.", "")
    if profile.get("type") != "profile":
        return Problem("The resource type must be 'profile'.", "/type")
    attributes = profile["attributes"]
    return (
        _check_fields(attributes, ATTRIBUTES, "profile", "/attributes")
        or _check_fields(attributes.get("location") or {}, LOCATION, "location", "/attributes/location")
        or _check_meta(profile.get("meta"))
        or _check_identifiers(attributes, refused_emails)
        or _check_size(profile)
    )


def _check_fields(
    fields: Mapping[str, Any], types: Mapping[str, tuple[type, ...]], resource: str, pointer: str
) -> Problem | None:
    for name, value in fields.items():
        if name not in types:
            detail = f"'{name}' is not a valid field for the resource '{resource}'."
            return Problem(detail, f"{pointer}/{name}")
        if not isinstance(value, types[name]):
            return Problem(f"{value!r} is not a valid {name}.", f"{pointer}/{name}")
    return None


def _check_meta(meta: object) -> Problem | None:
    match meta:
        case None:
            return None
        case {"patch_properties": {"unset": unset, **others}, **more} if not others and not more:
            names = [unset] if isinstance(unset, str) else unset
            if isinstance(names, list) and all(isinstance(name, str) for name in names):
                return None
    # Klaviyo also supports append and unappend, this stand-in does not.
    return Problem("Only patch_properties.unset is known here, a name or a list of names.", "/meta")


def _check_identifiers(attributes: Mapping[str, Any], refused_emails: Container[str]) -> Problem | None:
    email, phone = attributes.get("email"), attributes.get("phone_number")
    external_id = attributes.get("external_id")
    if email is not None and (not is_valid_email(email) or email.lower() in refused_emails):
        return Problem(f"Invalid email address: {email}", "/attributes/email")
    if external_id is not None and len(external_id) > MAX_EXTERNAL_ID:
        detail = f"{external_id} is longer than {MAX_EXTERNAL_ID} characters."
        return Problem(detail, "/attributes/external_id")
    if phone is not None and email is None and not is_valid_phone(phone):
        return Problem(f"Invalid phone number: {phone}", "/attributes/phone_number")
    if not (email or phone or external_id):
        return Problem("One of email, phone_number or external_id is required.", "/attributes/")
    return None


def _check_size(profile: dict[str, Any]) -> Problem | None:
    if len(orjson.dumps(profile)) > MAX_PROFILE:
        return Problem("The profile exceeds the maximum size of 100 KB.", "")
    return None
