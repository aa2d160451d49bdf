"""Turns a form's fields into a document; members whose fields did not change keep their stored value."""

import re
from collections.abc import Mapping
from typing import Any

from page_trigger.export_fields import Fields
from shared.catalog import Export
from shared.errors import InvalidDocument, Problem

# The fields that make each member of the document.
_FIELDS = {
    "display_name": ("display_name",),
    "connection": ("connection",),
    "segments": ("segments",),
    "list_id": ("list_id",),
    "match": ("email",),
    "attributes": ("attributes", "region", "properties"),
    "only_if": ("condition_column", "condition_test", "condition_value"),
    "consent": ("consented_at",),
    "schedule": ("when", "cron", "timezone", "is_active"),
    "sync": (
        *("mode", "changed_only", "max_removal_share"),
        *("removes_strangers", "clear_blanks", "full_every_days"),
    ),
    "limits": ("max_profiles",),
    "alerts": ("rejected_share", "grew_by", "fell_by"),
}
# Digits, or groups of three digits.
_WHOLE = re.compile(r"\d{1,3}(?:[ ,.\u00a0\u202f]\d{3}){1,5}|\d{1,16}", re.ASCII)
_PERCENTAGE = re.compile(r"\d{1,9}(?:\.\d{1,8}|,\d{1,2})?", re.ASCII)


def members_of(given: Fields, before: Export | None = None) -> dict[str, Any]:
    """The members from the fields; `before` is the stored document, if there is one.

    Raises InvalidDocument if a number is not valid; the rest is checked with the document.
    """
    written = before.model_dump(mode="json", exclude_unset=True) if before is not None else {}
    shown = Fields.of_export(before) if before is not None else None
    touched = {
        member
        for member, names in _FIELDS.items()
        if shown is None
        or any(_plain(getattr(given, name)) != _plain(getattr(shown, name)) for name in names)
    }
    if given.when != "cron" and given.cron and (shown is None or given.cron != shown.cron):
        message = "is a cron, but the export is set to run at each refresh: choose one of them"
        raise InvalidDocument("The export", [Problem("/schedule/when", message)])
    made = _made(given, touched)
    members = {name: value for name, value in written.items() if name not in touched}
    return members | {name: made[name] for name in _FIELDS if name in touched and name in made}


def _made(given: Fields, touched: set[str]) -> dict[str, Any]:
    """The members that the fields have values for."""
    numbers = _Numbers()
    made: dict[str, Any] = {
        "display_name": given.display_name,
        "connection": given.connection or None,
        "segments": list(given.segments),
        "list_id": given.list_id,
        "match": {"email": given.email},
        "attributes": _attributes(given),
        "schedule": _schedule(given),
    }
    if given.condition_column:
        made["only_if"] = _condition(given)
    if given.consented_at:
        made["consent"] = {"subscribe": "email", "consented_at": given.consented_at}
    if "sync" in touched:
        made["sync"] = {
            "mode": given.mode,
            "changed_only": given.changed_only,
            "max_removal_share": numbers.share("/sync/max_removal_share", given.max_removal_share or "20"),
            "strangers": "remove" if given.removes_strangers else "keep",
            "clear_blanks": given.clear_blanks,
            "full_every_days": numbers.whole("/sync/full_every_days", given.full_every_days or "0"),
        }
    if "limits" in touched and given.max_profiles:
        made["limits"] = {"max_profiles": numbers.whole("/limits/max_profiles", given.max_profiles)}
    if "alerts" in touched:
        shares = {name: getattr(given, name) for name in _FIELDS["alerts"] if getattr(given, name)}
        alerts = {name: numbers.share(f"/alerts/{name}", text) for name, text in shares.items()}
        made |= {"alerts": alerts} if alerts else {}
    numbers.check()
    return made


def _plain(value: Any) -> Any:
    """A field's value without what a form changes: surrounding spaces, line ends, the order of boxes."""
    match value:
        case str():
            return [line.strip() for line in value.strip().splitlines()]
        case tuple():
            return {
                tuple(map(str.strip, each)) if isinstance(each, tuple) else each.strip() for each in value
            }
        case Mapping():
            return {name: text.strip() for name, text in value.items()}
    return value


def _attributes(given: Fields) -> dict[str, Any]:
    made: dict[str, Any] = dict(given.attributes)
    if "phone_number" in made and given.region:
        made["phone_number"] = {"column": made["phone_number"], "region": given.region.upper()}
    properties = [
        {"column": each.column, "name": each.name} if each.name else each.column for each in given.properties
    ]
    return made | ({"properties": properties} if properties else {})


def _condition(given: Fields) -> dict[str, Any]:
    value: Any = given.condition_value
    test = given.condition_test
    match test:
        case "in":
            value = [line.strip() for line in value.splitlines() if line.strip()]
        case "is_blank":
            value = True
        case "is_not_blank":
            test, value = "is_blank", False
    return {"column": given.condition_column, test: value}


def _schedule(given: Fields) -> dict[str, Any]:
    when: Any = "on_refresh"
    if given.when == "cron":
        when = {"cron": given.cron, "timezone": given.timezone or "UTC"}
    return {"active": given.is_active, "when": when}


class _Numbers:
    """Parses numbers, and collects the problems."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def share(self, pointer: str, text: str) -> float:
        """A share from a percentage."""
        if _PERCENTAGE.fullmatch(text) is None:
            self._problems.append(Problem(pointer, "must be a percentage, such as 20 or 12.5"))
            return 0.0
        return round(float(text.replace(",", ".")) / 100, 10)

    def whole(self, pointer: str, text: str) -> int:
        """A whole number; its digits can be in groups."""
        if _WHOLE.fullmatch(text) is None:
            self._problems.append(Problem(pointer, "must be a whole number"))
            return 0
        return int(re.sub(r"\D", "", text))

    def check(self) -> None:
        """Raises InvalidDocument."""
        if self._problems:
            raise InvalidDocument("The export", self._problems)
