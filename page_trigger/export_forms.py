"""The forms to add and change an export."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from page_trigger.export_fields import Fields, properties_of
from page_trigger.export_members import members_of
from page_trigger.rendering import render, see
from page_trigger.visits import Visit
from shared.adapters.clock import Deadline
from shared.administration import connections, exports
from shared.administration.documents import STAMPS, check_version, id_from, new_document
from shared.administration.rights import Action, check_role
from shared.administration.segments import names_hidden, overview
from shared.api import Reply, deadline_of
from shared.catalog import Connection, Export
from shared.catalog.attributes import Attributes
from shared.errors import ExportError, InvalidDocument
from shared.klaviyo import KlaviyoList
from shared.profiles.columns import email_column_of
from shared.segments import Segments
from shared.services import Services, process_services

# Seconds that a form waits for the names of lists, which can also be typed.
PATIENCE = 5.0
# The most choices in a form, to keep it small: lists, segments, and bytes of column names.
MOST_LISTS, MOST_SEGMENTS, MOST_BYTES = 200, 100, 6_000
# Placeholder for a list that is created once everything else is valid.
_SOME_LIST = "AAAAAA"
_ATTRIBUTES = [field.alias or name for name, field in Attributes.model_fields.items() if name != "properties"]


def show_new(visit: Visit) -> Reply:
    """The first step: the connection and the segments, on which the rest depends."""
    return _first_step(visit)


def begin(visit: Visit) -> Reply:
    """The first step leads to the second, which saves. Saving does not start a run."""
    check_role(visit.by, Action.ADD_EXPORT)
    services, fields = process_services(), Fields.of(visit.form)
    if visit.form.text("step") == "1":
        if not fields.connection or not fields.segments:
            return _first_step(visit, "Choose a connection and at least one segment.")
        return _form(visit, Fields.begun(fields.connection, fields.segments))
    try:
        made_id = fields.id or exports.free_id(services, id_from(fields.display_name, "export"))
        fields = _with_list(services, visit, fields, made_id)
        content = json.dumps(members_of(fields) | {"id": made_id}).encode()
        saved = exports.add(services, visit.by, content, deadline_of(services))
    except ExportError as error:
        return _form(visit, fields, error)
    return _saved(saved)


def show_edit(visit: Visit) -> Reply:
    services, export_id = process_services(), visit.route("export")
    stored = exports.mine(services, visit.by, Action.CHANGE_EXPORT, export_id)
    return _form(visit, Fields.of_export(stored.document, stored.etag), export=stored.document)


def change(visit: Visit) -> Reply:
    """Saves the export, unless another person has saved it in the meantime."""
    services, export_id = process_services(), visit.route("export")
    stored = exports.mine(services, visit.by, Action.CHANGE_EXPORT, export_id)
    before = stored.document
    fields = Fields.of(visit.form, properties_of(before))
    try:
        check_version(stored, fields.etag)
        fields = _with_list(services, visit, fields, export_id, before)
        content, etag = json.dumps(members_of(fields, before)).encode(), fields.etag
        saved = exports.change(services, visit.by, export_id, content, etag, deadline_of(services))
    except ExportError as error:
        return _form(visit, fields, error, before)
    return _saved(saved)


def _saved(saved: exports.Saved) -> Reply:
    more = {"not_checked": "1"} if saved.not_checked else {}
    return see(f"/exports/{saved.stored.document.id}", saved="1", **more)


def _with_list(
    services: Services, visit: Visit, fields: Fields, export_id: str, before: Export | None = None
) -> Fields:
    """Creates the list that the form names, if any, and sets its id. Checks the rest of the document first.
    Raises InvalidDocument, and the errors of creating a list."""
    if not fields.new_list:
        return fields
    members = members_of(replace(fields, list_id=_SOME_LIST), before) | {"id": export_id}
    new_document(Export, {name: value for name, value in members.items() if name not in STAMPS})
    deadline = deadline_of(services)
    made = connections.add_list(services, visit.by, fields.connection, fields.new_list, deadline)
    return fields.with_list(made.id)


def _first_step(visit: Visit, message: str = "") -> Reply:
    services = process_services()
    view = Segments(services.segment_store, services.settings.segments_prefix).view()
    return render(
        visit,
        "new_export.html",
        status=422 if message else 200,
        message=message,
        connections=_connections(services, visit),
        segments=list(islice(overview(view), MOST_SEGMENTS)),
        has_more=len(view.names()) > MOST_SEGMENTS,
    )


def _form(
    visit: Visit, fields: Fields, error: ExportError | None = None, export: Export | None = None
) -> Reply:
    services = process_services()
    columns, trouble = _columns(services, fields.segments)
    if not fields.email and columns:
        fields = fields.with_email(email_column_of(columns) or "")
    offered = list(_within(MOST_BYTES, columns))
    lists, lists_trouble = _lists(services, visit, fields.connection)
    return render(
        visit,
        "export_form.html",
        status=422 if error is not None else 200,
        fields=fields,
        export=export,
        columns=offered,
        columns_trouble=trouble,
        has_all=len(offered) == len(columns),
        lists=lists,
        lists_trouble=lists_trouble,
        connections=_connections(services, visit),
        segments=_segment_names(services, fields.segments),
        attributes=[name for name in _ATTRIBUTES if name != "phone_number"],
        error=error,
        problems=error.problems if isinstance(error, InvalidDocument) else (),
    )


def _within(most_bytes: int, names: Iterable[str]) -> Iterator[str]:
    """The first names that together have at most this many bytes."""
    left = most_bytes
    for name in names:
        left -= len(name.encode(errors="replace"))
        if left < 0:
            return
        yield name


def _columns(services: Services, segments: tuple[str, ...]) -> tuple[list[str], str]:
    """The columns that all segments have, in the first one's order; and the reason if there are none."""
    found: list[str] = []
    try:
        for number, name in enumerate(segments):
            snapshot = services.segments.newest(name)
            if names_hidden(snapshot):
                return [], "The file has no header with column names. Type the names."
            names = {column.name for column in snapshot.columns}
            own = [column.name for column in snapshot.columns]
            found = own if number == 0 else [each for each in found if each in names]
    except ExportError as error:
        return [], error.message
    return list(dict.fromkeys(found)), ""


def _lists(services: Services, visit: Visit, connection_id: str) -> tuple[list[KlaviyoList], str]:
    """The lists of the connection's account; and the reason if they can't be shown."""
    if not connection_id:
        return [], ""
    try:
        deadline = Deadline(services.clock, PATIENCE)
        found = connections.lists(services, visit.by, connection_id, deadline)
    except ExportError as error:
        return [], error.message
    if len(found) > MOST_LISTS:
        return [], f"The account has {len(found):,} lists."
    return sorted(found, key=lambda each: each.name.casefold()), ""


def _connections(services: Services, visit: Visit) -> list[Connection]:
    found = connections.visible(services, visit.by)
    return [each for each in found if isinstance(each, Connection)]


def _segment_names(services: Services, chosen: tuple[str, ...]) -> list[str]:
    """The chosen segments, even if they no longer exist, then the first others."""
    try:
        names = Segments(services.segment_store, services.settings.segments_prefix).names()
    except ExportError:
        names = []
    return list(dict.fromkeys([*chosen, *names[: max(0, MOST_SEGMENTS - len(chosen))]]))
