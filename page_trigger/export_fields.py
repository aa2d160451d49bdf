"""An export as a form shows it and sends it back: texts, as people type them, and the document they make.

What a form can't show of a document stays as it is.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from page_trigger.forms import Form
from shared.catalog import Cron, Export
from shared.errors import InvalidDocument, Problem

_PREFIX = "attribute."
_TESTS = ("equals", "not_equals", "in", "is_blank")
# Between a property's column and its name at Klaviyo.
_AS = " = "


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of the form. `properties` are columns, with ` = ` and another name behind where they have
    one; shares are in percent; blank numbers are left out of the document."""

    display_name: str = ""
    id: str = ""
    etag: str = ""
    connection: str = ""
    segments: tuple[str, ...] = ()
    list_id: str = ""
    new_list: str = ""
    email: str = ""
    region: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    properties: tuple[str, ...] = ()
    condition_column: str = ""
    condition_test: str = ""
    condition_value: str = ""
    consented_at: str = ""
    when: str = "on_refresh"
    cron: str = ""
    timezone: str = "UTC"
    is_active: bool = True
    mode: str = "add"
    max_removal_share: str = "20"
    changed_only: bool = True
    removes_strangers: bool = False
    clear_blanks: bool = False
    full_every_days: str = ""
    max_profiles: str = ""
    rejected_share: str = ""
    grew_by: str = ""
    fell_by: str = ""

    @classmethod
    def begun(cls, connection: str, segments: Iterable[str]) -> "Fields":
        """Those of an export of which only these are known."""
        return cls(connection=connection, segments=tuple(segments))

    @classmethod
    def of(cls, form: Form) -> "Fields":
        """As somebody has sent them."""
        given: dict[str, Any] = {
            each.name: form.text(each.name)
            for each in fields(cls)
            if each.type is str and each.name in form.fields
        }
        given |= {each.name: form.is_on(each.name) for each in fields(cls) if each.type is bool}
        attributes = {
            name.removeprefix(_PREFIX): form.text(name) for name in form.fields if name.startswith(_PREFIX)
        }
        properties = [*form.many("property"), *form.lines("more_properties")]
        return cls(
            **given,
            segments=tuple(form.many("segment")),
            attributes={name: column for name, column in attributes.items() if column},
            properties=tuple(dict.fromkeys(properties)),
        )

    @classmethod
    def of_export(cls, export: Export, etag: str) -> "Fields":
        """Those of a document."""
        condition, when, sync, alerts = export.only_if, export.schedule.when, export.sync, export.alerts
        phone = export.attributes.phone_number
        tests = (
            condition.model_dump(by_alias=True, exclude_none=True, exclude={"column"}) if condition else {}
        )
        test, value = next(iter(tests.items()), ("", ""))
        if test == "is_blank" and value is False:
            test = "is_not_blank"
        is_cron = isinstance(when, Cron)
        return cls(
            display_name=export.display_name,
            id=export.id,
            etag=etag,
            connection=export.connection or "",
            segments=export.segments,
            list_id=export.list_id,
            email=export.match.email,
            region=(phone.region or "") if phone is not None else "",
            attributes={name: source.column for name, source in export.attributes.sources.items()},
            properties=tuple(
                f"{each.column}{_AS}{each.name}" if each.name else each.column
                for each in export.attributes.properties
            ),
            condition_column=condition.column if condition else "",
            condition_test=test,
            condition_value="\n".join(value) if isinstance(value, list | tuple) else f"{value}",
            consented_at=export.consent.consented_at if export.consent else "",
            when="cron" if is_cron else "on_refresh",
            cron=when.cron if isinstance(when, Cron) else "",
            timezone=when.timezone if isinstance(when, Cron) else "UTC",
            is_active=export.schedule.active,
            mode=sync.mode,
            max_removal_share=_percent(sync.max_removal_share),
            changed_only=sync.changed_only,
            removes_strangers=sync.strangers == "remove",
            clear_blanks=sync.clear_blanks,
            full_every_days=f"{sync.full_every_days or ''}",
            max_profiles=f"{export.limits.max_profiles}",
            rejected_share=_percent(alerts.rejected_share if alerts else None),
            grew_by=_percent(alerts.grew_by if alerts else None),
            fell_by=_percent(alerts.fell_by if alerts else None),
        )

    def with_list(self, list_id: str) -> "Fields":
        """Once the list was made."""
        return replace(self, list_id=list_id, new_list="")

    def with_email(self, column: str) -> "Fields":
        """With a column that is suggested."""
        return replace(self, email=column)

    def property_of(self, column: str) -> str:
        """What stands for a column among the properties; the column itself where it is none of them."""
        return next((each for each in self.properties if each.partition(_AS)[0] == column), column)

    def other_properties(self, columns: Iterable[str]) -> list[str]:
        """The properties of columns that are not among these."""
        known = set(columns)
        return [each for each in self.properties if each.partition(_AS)[0] not in known]


def members_of(given: Fields, before: Mapping[str, Any]) -> dict[str, Any]:
    """The document that the fields make, over what was there before.

    Raises InvalidDocument for a number that is none; everything else is checked where documents are.
    """
    made = _Made()
    members = dict(before) | {
        "display_name": given.display_name,
        "connection": given.connection or None,
        "segments": list(given.segments),
        "list_id": given.list_id,
        "match": {"email": given.email},
        "attributes": _attributes(given),
        "only_if": _condition(given),
        "consent": {"subscribe": "email", "consented_at": given.consented_at} if given.consented_at else None,
        "schedule": _schedule(given),
        "sync": {
            "mode": given.mode,
            "changed_only": given.changed_only,
            "max_removal_share": made.share("/sync/max_removal_share", given.max_removal_share, 0.2),
            "strangers": "remove" if given.removes_strangers else "keep",
            "clear_blanks": given.clear_blanks,
            "full_every_days": made.whole("/sync/full_every_days", given.full_every_days, 0),
        },
    }
    if given.max_profiles:
        members["limits"] = {"max_profiles": made.whole("/limits/max_profiles", given.max_profiles, 0)}
    alerts = {
        name: made.share(f"/alerts/{name}", text, None)
        for name, text in (
            ("rejected_share", given.rejected_share),
            ("grew_by", given.grew_by),
            ("fell_by", given.fell_by),
        )
        if text
    }
    members["alerts"] = alerts or None
    made.check()
    return {name: value for name, value in members.items() if value is not None or name == "connection"}


def _attributes(given: Fields) -> dict[str, Any]:
    made: dict[str, Any] = dict(given.attributes)
    if "phone_number" in made and given.region:
        made["phone_number"] = {"column": made["phone_number"], "region": given.region.upper()}
    properties: list[Any] = []
    for each in given.properties:
        column, is_renamed, name = each.partition(_AS)
        properties.append({"column": column, "name": name} if is_renamed else column)
    return made | ({"properties": properties} if properties else {})


def _condition(given: Fields) -> dict[str, Any] | None:
    if not given.condition_column:
        return None
    value: Any = given.condition_value
    test = given.condition_test
    match test:
        case "in":
            value = [line.strip() for line in value.splitlines() if line.strip()]
        case "is_blank":
            value = True
        case "is_not_blank":
            test, value = "is_blank", False
    return {"column": given.condition_column, test or "equals": value}


def _schedule(given: Fields) -> dict[str, Any]:
    when: Any = "on_refresh"
    if given.when == "cron":
        when = {"cron": given.cron, "timezone": given.timezone or "UTC"}
    return {"active": given.is_active, "when": when}


class _Made:
    """Numbers out of texts, and what was wrong with them."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def share(self, pointer: str, text: str, default: float | None) -> float | None:
        """A share from a percentage."""
        if not text:
            return default
        if re.fullmatch(r"\d{1,6}(?:[.,]\d{1,6})?", text, re.ASCII) is None:
            self._problems.append(Problem(pointer, "must be a percentage, such as 20"))
            return default
        return round(float(text.replace(",", ".")) / 100, 8)

    def whole(self, pointer: str, text: str, default: int) -> int:
        digits = re.sub(r"[ ,.\u00a0\u202f]", "", text)
        if not text:
            return default
        if re.fullmatch(r"\d{1,16}", digits, re.ASCII) is None:
            self._problems.append(Problem(pointer, "must be a whole number"))
            return default
        return int(digits)

    def check(self) -> None:
        """Raises InvalidDocument."""
        if self._problems:
            raise InvalidDocument("The export", self._problems)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share * 100:.8g}"
