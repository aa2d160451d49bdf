"""The forms in which people add an export and change one, in the order of the steps that they know."""

import json

from page_trigger.export_fields import Fields, members_of
from page_trigger.rendering import render, see
from page_trigger.visits import Visit
from shared.administration import connections, exports
from shared.administration.connections import show as show_connection
from shared.administration.documents import id_from
from shared.administration.rights import Action, check_role
from shared.administration.segments import names_hidden, overview
from shared.api import Reply, deadline_of
from shared.catalog import Connection, Export
from shared.catalog.attributes import Attributes
from shared.errors import ExportError, InvalidDocument, Problem
from shared.klaviyo import KlaviyoList
from shared.profiles.columns import email_column_of
from shared.segments import Segments
from shared.services import Services, process_services

# With more columns than these, a box for each would make the page too long.
MOST_BOXES = 150


def show_new(visit: Visit) -> Reply:
    """The first step: the connection and the segments, on which all the rest depends."""
    return _first_step(visit)


def begin(visit: Visit) -> Reply:
    """The first step leads to the second, the second saves. Saving runs nothing."""
    check_role(visit.by, Action.ADD_EXPORT)
    form = visit.form
    segments = form.many("segment")
    if form.text("step") == "1":
        if not form.text("connection") or not segments:
            return _first_step(visit, "Choose a connection and at least one segment.")
        return _form(visit, Fields.begun(form.text("connection"), segments))
    fields = Fields.of(form)
    services = process_services()
    try:
        fields = _with_list(services, visit, fields)
        members = members_of(fields, {}) | {"id": fields.id or id_from(fields.display_name, "export")}
        content = json.dumps(members).encode()
        saved = exports.add(services, visit.by, content, deadline_of(services))
    except ExportError as error:
        return _form(visit, fields, error)
    return _saved(saved)


def show_edit(visit: Visit) -> Reply:
    services, export_id = process_services(), visit.route("export")
    stored = exports.mine(services, visit.by, Action.CHANGE_EXPORT, export_id)
    return _form(visit, Fields.of_export(stored.document, stored.etag), export=stored.document)


def change(visit: Visit) -> Reply:
    """Saves the export, unless somebody else has saved it meanwhile."""
    services, export_id = process_services(), visit.route("export")
    before = exports.mine(services, visit.by, Action.CHANGE_EXPORT, export_id).document
    fields = Fields.of(visit.form)
    try:
        fields = _with_list(services, visit, fields)
        members = members_of(fields, before.model_dump(mode="json", exclude_unset=True))
        content, etag = json.dumps(members).encode(), fields.etag
        saved = exports.change(services, visit.by, export_id, content, etag, deadline_of(services))
    except ExportError as error:
        return _form(visit, fields, error, before)
    return _saved(saved)


def _saved(saved: exports.Saved) -> Reply:
    more = {"not_checked": "1"} if saved.not_checked else {}
    return see(f"/exports/{saved.stored.document.id}", saved="1", **more)


def _with_list(services: Services, visit: Visit, fields: Fields) -> Fields:
    """With the id of the list that is to be made, where the form names one."""
    if not fields.new_list:
        return fields
    deadline = deadline_of(services)
    made = connections.add_list(services, visit.by, fields.connection, fields.new_list, deadline)
    return fields.with_list(made.id)


def _first_step(visit: Visit, message: str = "") -> Reply:
    services = process_services()
    view = Segments(services.segment_store, services.settings.segments_prefix).view()
    found = connections.visible(services, visit.by)
    return render(
        visit,
        "new_export.html",
        status=422 if message else 200,
        message=message,
        connections=[each for each in found if isinstance(each, Connection)],
        segments=list(overview(view)),
    )


def _form(
    visit: Visit, fields: Fields, error: ExportError | None = None, export: Export | None = None
) -> Reply:
    services = process_services()
    columns, trouble = _columns(services, fields.segments)
    if not fields.email and columns:
        fields = fields.with_email(email_column_of(columns) or "")
    lists, lists_trouble = _lists(services, visit, fields.connection)
    return render(
        visit,
        "export_form.html",
        status=422 if error is not None else 200,
        fields=fields,
        export=export,
        columns=columns,
        columns_trouble=trouble,
        has_boxes=0 < len(columns) <= MOST_BOXES,
        lists=lists,
        lists_trouble=lists_trouble,
        connections=_connections(services, visit),
        segments=_segment_names(services, fields.segments),
        attributes=[name for name in _ATTRIBUTES if name != "phone_number"],
        error=error,
        problems=_problems(error),
    )


_ATTRIBUTES = [field.alias or name for name, field in Attributes.model_fields.items() if name != "properties"]


def _problems(error: ExportError | None) -> tuple[Problem, ...]:
    return tuple(error.problems) if isinstance(error, InvalidDocument) else ()


def _columns(services: Services, segments: tuple[str, ...]) -> tuple[list[str], str]:
    """The columns that all the segments have, in the order of the first; and why there are none."""
    found: list[str] = []
    try:
        for number, name in enumerate(segments):
            snapshot = services.segments.newest(name)
            if names_hidden(snapshot):
                return [], "The file names no columns that can be shown: type their names."
            names = [column.name for column in snapshot.columns]
            found = names if number == 0 else [each for each in found if each in names]
    except ExportError as error:
        return [], error.message
    return list(dict.fromkeys(found)), ""


def _lists(services: Services, visit: Visit, connection_id: str) -> tuple[list[KlaviyoList], str]:
    """The lists of the connection's account, and why they can't be shown."""
    if not connection_id:
        return [], ""
    try:
        show_connection(services, visit.by, connection_id, Action.LIST_LISTS)
        found = connections.lists(services, visit.by, connection_id, deadline_of(services))
        return sorted(found, key=lambda each: each.name.casefold()), ""
    except ExportError as error:
        return [], error.message


def _connections(services: Services, visit: Visit) -> list[Connection]:
    found = connections.visible(services, visit.by)
    return [each for each in found if isinstance(each, Connection)]


def _segment_names(services: Services, chosen: tuple[str, ...]) -> list[str]:
    """All segments, those that are chosen among them though they may be gone."""
    try:
        names = Segments(services.segment_store, services.settings.segments_prefix).names()
    except ExportError:
        names = []
    return list(dict.fromkeys([*chosen, *names]))
