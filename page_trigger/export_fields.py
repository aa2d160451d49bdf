"""An export as a form shows and sends it: as text that people type."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

from page_trigger.forms import Form
from shared.api import BadRequest
from shared.catalog import Cron, Export

# Segments of one export that a form accepts: each one is looked up.
MOST_SEGMENTS = 100
_PREFIX = "attribute."
# Separates a property's column and its name at Klaviyo in typed text.
_AS = " = "


class Property(NamedTuple):
    """A column that is sent as a custom property; `name` is blank if it keeps the column's name."""

    column: str
    name: str = ""

    @property
    def text(self) -> str:
        """The property as people read and type it."""
        return f"{self.column}{_AS}{self.name}" if self.name else self.column

    @property
    def value(self) -> str:
        """The property as a box sends it: exactly."""
        return json.dumps([self.column, self.name])

    @classmethod
    def typed(cls, text: str, known: Iterable["Property"]) -> "Property":
        """The property in a line; a known property with the same text is returned unchanged."""
        column, _, name = text.partition(_AS)
        return next((each for each in known if each.text.strip() == text), cls(column.strip(), name.strip()))


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of the form. Shares are in percent; blank numbers are omitted from the document."""

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
    properties: tuple[Property, ...] = ()
    condition_column: str = ""
    condition_test: str = "equals"
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
        """The fields of a new export with only these values. Raises BadRequest."""
        return cls(connection=connection, segments=_few(segments))

    @classmethod
    def of(cls, form: Form, known: Iterable[Property] = ()) -> "Fields":
        """The fields from a sent form; `known` are the export's properties. Raises BadRequest."""
        given: dict[str, Any] = {
            each.name: form.text(each.name)
            for each in fields(cls)
            if each.type is str and each.name in form.fields
        }
        given |= {each.name: form.is_on(each.name) for each in fields(cls) if each.type is bool}
        attributes = {
            name.removeprefix(_PREFIX): form.text(name) for name in form.fields if name.startswith(_PREFIX)
        }
        properties = [*map(_boxed, form.many("property"))]
        properties += [Property.typed(line, known) for line in form.lines("more_properties")]
        return cls(
            **given,
            segments=_few([*form.many("segment"), *form.lines("more_segments")]),
            attributes={name: column for name, column in attributes.items() if column},
            properties=tuple(dict.fromkeys(properties)),
        )

    @classmethod
    def of_export(cls, export: Export, etag: str = "") -> "Fields":
        """The fields of a document."""
        condition, when, sync, alerts = export.only_if, export.schedule.when, export.sync, export.alerts
        phone = export.attributes.phone_number
        tests = (
            condition.model_dump(by_alias=True, exclude_none=True, exclude={"column"}) if condition else {}
        )
        test, value = next(iter(tests.items()), ("equals", ""))
        if test == "is_blank" and value is False:
            test = "is_not_blank"
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
            properties=properties_of(export),
            condition_column=condition.column if condition else "",
            condition_test=test,
            condition_value="\n".join(value) if isinstance(value, list | tuple) else f"{value}",
            consented_at=export.consent.consented_at if export.consent else "",
            when="cron" if isinstance(when, Cron) else "on_refresh",
            cron=when.cron if isinstance(when, Cron) else "",
            timezone=when.timezone if isinstance(when, Cron) else "UTC",
            is_active=export.schedule.active,
            mode=sync.mode,
            max_removal_share=_percent(sync.max_removal_share),
            changed_only=sync.changed_only,
            removes_strangers=sync.strangers == "remove",
            clear_blanks=sync.clear_blanks,
            full_every_days=f"{sync.full_every_days or ''}",
            max_profiles=f"{export.limits.max_profiles}" if "limits" in export.model_fields_set else "",
            rejected_share=_percent(alerts.rejected_share if alerts else None),
            grew_by=_percent(alerts.grew_by if alerts else None),
            fell_by=_percent(alerts.fell_by if alerts else None),
        )

    def with_list(self, list_id: str) -> "Fields":
        """With a list that was created."""
        return replace(self, list_id=list_id, new_list="")

    def with_email(self, column: str) -> "Fields":
        """With a suggested column."""
        return replace(self, email=column)

    def boxes(self, columns: Iterable[str]) -> list[Property]:
        """A box for each column, or one for each name under which it is already sent."""
        return [
            box
            for column in columns
            for box in [each for each in self.properties if each.column == column] or [Property(column)]
        ]

    def other_properties(self, columns: Iterable[str]) -> list[Property]:
        """The properties whose column is not among these."""
        known = set(columns)
        return [each for each in self.properties if each.column not in known]


def properties_of(export: Export) -> tuple[Property, ...]:
    """An export's custom properties."""
    return tuple(Property(each.column, each.name or "") for each in export.attributes.properties)


def _few(segments: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(segments))
    if len(found) > MOST_SEGMENTS:
        raise BadRequest(f"A form accepts at most {MOST_SEGMENTS} segments.")
    return found


def _boxed(value: str) -> Property:
    with suppress(ValueError):
        match json.loads(value):
            case [str(column), str(name)]:
                return Property(column, name)
    raise BadRequest("The form has a property that is not valid.")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share * 100:.8g}"
