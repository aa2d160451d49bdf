"""The HTTP routes of the administration."""

from typing import Any

from admin_trigger import connections, description, exports, looking
from admin_trigger.bodies import AttachBody, DuplicateBody, KeyBody, ListBody
from admin_trigger.shown import ConnectionChange, Detached, Me, ShownConnection, ShownExport, Ticked
from export_trigger.routes import ROUTES as ROUTES_OF_RUNS
from shared.administration.audit import Entry
from shared.administration.connecting import NewConnection
from shared.administration.connections import Tested
from shared.administration.overview import Overview
from shared.administration.rights import Action
from shared.administration.segments import Segment
from shared.administration.signing_in import Begun
from shared.api import EmptyBody, Operation, Route, blueprint_of
from shared.catalog import Export
from shared.klaviyo import KlaviyoList

_LIMIT = {"limit": "How many of them, 1 to 100.", "before": "The last one of the page before."}
_AUDIT = {
    "document": "Of a document or a folder of them, such as connections/klaviyo-eu or exports.",
    "person": "Of a person: name or object id.",
    "since": "From this time on, such as 2026-11-23T20:00:00Z.",
    "until": "Before this time.",
}
_CALLBACK = {
    "code": "Klaviyo's code.",
    "state": "Which sign-in it belongs to.",
    "error": "Why there is no code.",
}

ROUTES = (
    Route(
        "connections",
        "connections",
        {
            "GET": Operation(
                connections.show_all,
                Action.SEE_CONNECTION,
                "List the connections that you may see.",
                {200: "The connections."},
                shows=ShownConnection,
                page="connections",
            ),
            "POST": Operation(
                connections.add,
                Action.ADD_CONNECTION,
                "Add a connection: tries its key, keeps it in the vault, and writes the document.",
                {201: "The document."},
                shows=ShownConnection,
                has_version=True,
                body=NewConnection,
                problems=(400, 409, 413, 422),
            ),
        },
    ),
    Route(
        "connection",
        "connections/{connection}",
        {
            "GET": Operation(
                connections.show,
                Action.SEE_CONNECTION,
                "Show a connection: its document, or its name and state where it is shared with you.",
                {200: "The connection."},
                shows=ShownConnection,
                has_version=True,
                problems=(404, 422),
            ),
            "PUT": Operation(
                connections.change,
                Action.CHANGE_CONNECTION,
                "Change a connection's name, whom it is shared with, and whether it is paused.",
                {200: "The document."},
                shows=ShownConnection,
                has_version=True,
                body=ConnectionChange,
                problems=(400, 404, 412, 413, 422, 428),
                is_conditional=True,
            ),
            "DELETE": Operation(
                connections.remove,
                Action.REMOVE_CONNECTION,
                "Remove a connection that no export uses, and its key where the app wrote it.",
                {204: "It is removed."},
                problems=(404, 409, 422),
            ),
        },
    ),
    Route(
        "test_connection",
        "connections/{connection}/test",
        {
            "POST": Operation(
                connections.test,
                Action.TEST_CONNECTION,
                "Test whether a connection's key opens its account, and what it may read.",
                {200: "The account, and the scopes."},
                shows=Tested,
                body=EmptyBody,
                problems=(400, 404, 413, 422),
            ),
        },
    ),
    Route(
        "connection_key",
        "connections/{connection}/key",
        {
            "POST": Operation(
                connections.change_key,
                Action.CHANGE_KEY,
                "Give a connection another key to the same account; the old one stays until it has passed.",
                {200: "The document."},
                shows=ShownConnection,
                has_version=True,
                body=KeyBody,
                problems=(400, 404, 409, 413, 422),
            ),
        },
    ),
    Route(
        "sign_in_connection",
        "connections/{connection}/sign-in",
        {
            "POST": Operation(
                connections.sign_in,
                Action.SIGN_IN,
                "Begin a sign-in at Klaviyo for a connection with OAuth, the first or another one.",
                {200: "The address to sign in at, and until when."},
                body=EmptyBody,
                shows=Begun,
                problems=(400, 404, 413, 422),
            ),
        },
    ),
    Route(
        "oauth_callback",
        "oauth/callback",
        {
            "GET": Operation(
                connections.finish_sign_in,
                Action.SIGN_IN,
                "Where Klaviyo sends the browser back to: ends the sign-in that this person began.",
                {200: "The connection.", 303: "For a browser: the page that ends the sign-in."},
                shows=ShownConnection,
                has_version=True,
                problems=(400, 409, 422),
                query=_CALLBACK,
            ),
        },
    ),
    Route(
        "connection_lists",
        "connections/{connection}/lists",
        {
            "GET": Operation(
                connections.lists,
                Action.LIST_LISTS,
                "The lists of a connection's account, with their opt-in process.",
                {200: "The lists."},
                shows=KlaviyoList,
                page="lists",
                problems=(404, 422),
            ),
            "POST": Operation(
                connections.add_list,
                Action.ADD_LIST,
                "Make a list in a connection's account.",
                {201: "The list."},
                shows=KlaviyoList,
                body=ListBody,
                problems=(400, 404, 413, 422),
            ),
        },
    ),
    Route(
        "detach_connection",
        "connections/{connection}/detach",
        {
            "POST": Operation(
                connections.detach,
                Action.DETACH_CONNECTION,
                "Leave a connection's exports without it; their open runs are canceled.",
                {200: "The exports that used it."},
                shows=Detached,
                body=EmptyBody,
                problems=(400, 404, 409, 413, 422),
            ),
        },
    ),
    Route(
        "exports",
        "exports",
        {
            "GET": Operation(
                exports.show_all,
                Action.SEE_EXPORT,
                "List the exports: how each stands, its last and its next run.",
                {200: "The exports, and the address of the next page."},
                shows=Overview,
                page="exports",
                problems=(400,),
                query=_LIMIT,
            ),
            "POST": Operation(
                exports.add,
                Action.ADD_EXPORT,
                "Add an export. Nothing runs.",
                {201: "The document."},
                shows=ShownExport,
                has_version=True,
                body=Export,
                problems=(409, 413, 422),
            ),
        },
    ),
    Route(
        "export",
        "exports/{export}",
        {
            "GET": Operation(
                exports.show,
                Action.SEE_EXPORT,
                "Show an export's document.",
                {200: "The document."},
                shows=ShownExport,
                has_version=True,
                problems=(404, 422),
            ),
            "PUT": Operation(
                exports.change,
                Action.CHANGE_EXPORT,
                "Replace an export's document. Nothing runs.",
                {200: "The document."},
                shows=ShownExport,
                has_version=True,
                body=Export,
                problems=(400, 404, 412, 413, 422, 428),
                is_conditional=True,
            ),
            "DELETE": Operation(
                exports.remove,
                Action.REMOVE_EXPORT,
                "Remove an export; its open run is canceled, and the list stays as it is.",
                {204: "It is removed."},
                problems=(404, 409, 422),
            ),
        },
    ),
    Route(
        "duplicate_export",
        "exports/{export}/duplicate",
        {
            "POST": Operation(
                exports.duplicate,
                Action.ADD_EXPORT,
                "Add an export like this one, which does not run by itself yet.",
                {201: "The document."},
                shows=ShownExport,
                has_version=True,
                body=DuplicateBody,
                problems=(400, 404, 409, 413, 422),
            ),
        },
    ),
    Route(
        "attach_export",
        "exports/{export}/attach",
        {
            "POST": Operation(
                exports.attach,
                Action.CHANGE_EXPORT,
                "Give an export another connection.",
                {200: "The document."},
                shows=ShownExport,
                has_version=True,
                body=AttachBody,
                problems=(400, 404, 409, 413, 422),
            ),
        },
    ),
    Route(
        "detach_export",
        "exports/{export}/detach",
        {
            "POST": Operation(
                exports.detach,
                Action.DETACH_EXPORT,
                "Take an export's connection away; its open run is canceled.",
                {200: "The document."},
                shows=ShownExport,
                has_version=True,
                body=EmptyBody,
                problems=(400, 404, 409, 413, 422),
            ),
        },
    ),
    Route(
        "segments",
        "segments",
        {
            "GET": Operation(
                looking.segments,
                Action.SEE_SEGMENT,
                "List the segments, without counting their members.",
                {200: "The segments."},
                shows=Segment,
                page="segments",
            ),
        },
    ),
    Route(
        "segment",
        "segments/{segment}",
        {
            "GET": Operation(
                looking.segment,
                Action.SEE_SEGMENT,
                "Show a segment: its members and columns, and how many cells of each are blank.",
                {200: "The segment."},
                shows=Segment,
                problems=(404, 422),
            ),
        },
    ),
    Route(
        "audit",
        "audit",
        {
            "GET": Operation(
                looking.audit,
                Action.READ_AUDIT,
                "Who changed what, newest first.",
                {200: "The entries, and the address of the next page."},
                shows=Entry,
                page="audit",
                problems=(400,),
                query=_LIMIT | _AUDIT,
            ),
        },
    ),
    Route(
        "me",
        "me",
        {
            "GET": Operation(
                looking.me,
                Action.SEE_SELF,
                "Who is calling, and what they may do.",
                {200: "The caller."},
                shows=Me,
            ),
        },
    ),
    Route(
        "openapi",
        "openapi.json",
        {
            "GET": Operation(
                description.show,
                Action.SEE_SELF,
                "This description of the API (OpenAPI 3.1).",
                {200: "The document."},
                shows=dict[str, Any],
            ),
        },
    ),
    Route(
        "tick",
        "tick",
        {
            "POST": Operation(
                looking.run_tick,
                Action.TICK,
                "Do the timer's work now, where the platform's timer does not.",
                {202: "What was done, and what is left."},
                shows=Ticked,
                body=EmptyBody,
                problems=(400, 413),
            ),
        },
    ),
)

ALL_ROUTES = (*ROUTES_OF_RUNS, *ROUTES)

description.describe(*ALL_ROUTES)
blueprint = blueprint_of(ROUTES)
