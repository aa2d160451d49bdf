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

_LIMIT = {"limit": "The maximum number of items, 1 to 100.", "before": "The last item of the page before."}
_AUDIT = {
    "document": "Only entries for this document or folder, such as connections/klaviyo-eu or exports.",
    "person": "Only entries of this person: a name or an object id.",
    "since": "Only entries from this time on, such as 2026-11-23T20:00:00Z.",
    "until": "Only entries before this time.",
}
_CALLBACK = {
    "code": "Klaviyo's code.",
    "state": "Identifies the sign-in.",
    "error": "The reason if there is no code.",
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
                "Add a connection: tests its key, stores it in the vault, and writes the document.",
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
                "Show a connection: its document, or only its name and state if it is shared with you.",
                {200: "The connection."},
                shows=ShownConnection,
                has_version=True,
                problems=(404, 422),
            ),
            "PUT": Operation(
                connections.change,
                Action.CHANGE_CONNECTION,
                "Change a connection's name, who may use it, and whether it is paused.",
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
                "Remove a connection that no export uses, and its key if the app wrote it.",
                {204: "Removed."},
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
                "Test whether a connection's key opens its account, and which scopes it has.",
                {200: "The account and the scopes."},
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
                "Give a connection a new key to its account; the old key stays until the new one works.",
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
                "Begin a sign-in at Klaviyo, the first or a later one, for a connection with OAuth.",
                {200: "The address to sign in at, and when it expires."},
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
                "Complete the sign-in that this person began; Klaviyo redirects the browser here.",
                {200: "The connection.", 303: "For a browser: the page that completes the sign-in."},
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
                "List the lists in a connection's account, with their opt-in process.",
                {200: "The lists."},
                shows=KlaviyoList,
                page="lists",
                problems=(404, 422),
            ),
            "POST": Operation(
                connections.add_list,
                Action.ADD_LIST,
                "Create a list in a connection's account.",
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
                "Detach all exports from a connection, and cancel their open runs.",
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
                "List the exports, with their status, last run and next run.",
                {200: "The exports, and the URL of the next page."},
                shows=Overview,
                page="exports",
                problems=(400,),
                query=_LIMIT,
            ),
            "POST": Operation(
                exports.add,
                Action.ADD_EXPORT,
                "Add an export. Starts no run.",
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
                "Replace an export's document. Starts no run.",
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
                "Remove an export, and cancel its open run. The list does not change.",
                {204: "Removed."},
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
                "Add a copy of an export. It runs on demand only until you activate it.",
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
                "Change an export's connection.",
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
                "Detach an export from its connection, and cancel its open run.",
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
                "List the segments, without the number of their members.",
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
                "Show a segment: the number of its members, its columns, and their share of blank cells.",
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
                "Show who changed what, newest first.",
                {200: "The entries, and the URL of the next page."},
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
                "Show the caller and what they may do.",
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
                "Show this description of the API (OpenAPI 3.1).",
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
                "Do the timer's work now, if the platform's timer does not.",
                {202: "The advanced runs, and what is left."},
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
