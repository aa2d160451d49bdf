"""Who may do what: one table, and pure functions that read it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from shared.catalog.connection import Sharing
from shared.errors import NotFound, PermanentError


class Role(StrEnum):
    """The role of a caller. The first three are app roles in Microsoft Entra.

    An operator is a holder of a function key if nobody signs in. By command, anyone who can write the state
    is an administrator.
    """

    ADMINISTRATOR = "administrator"
    CONTRIBUTOR = "contributor"
    VIEWER = "viewer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Person:
    """The caller: a person, an application, or the holder of a function key.

    `object_id` is blank if nobody has signed in; `groups` are object ids.
    """

    name: str
    role: Role
    object_id: str = ""
    groups: frozenset[str] = frozenset()


class Action(StrEnum):
    """The actions, by their names in the audit."""

    SEE_CONNECTION = "connections.see"
    LIST_LISTS = "connections.lists"
    ADD_LIST = "connections.add_list"
    READ_CONNECTION = "connections.read"
    ADD_CONNECTION = "connections.add"
    CHANGE_CONNECTION = "connections.change"
    TEST_CONNECTION = "connections.test"
    CHANGE_KEY = "connections.change_key"
    SIGN_IN = "connections.sign_in"
    DETACH_CONNECTION = "connections.detach"
    REMOVE_CONNECTION = "connections.remove"
    SEE_EXPORT = "exports.see"
    ADD_EXPORT = "exports.add"
    CHANGE_EXPORT = "exports.change"
    DETACH_EXPORT = "exports.detach"
    REMOVE_EXPORT = "exports.remove"
    PREVIEW = "exports.preview"
    SHOW_ROWS = "exports.show_rows"
    START_RUN = "runs.start"
    CANCEL_RUN = "runs.cancel"
    SEE_RUN = "runs.see"
    SEE_SEGMENT = "segments.see"
    READ_AUDIT = "audit.read"
    CHECK_HEALTH = "health.check"
    TICK = "tick"
    FORGET = "forget"
    SEE_SELF = "me.see"


class Reach(Enum):
    """How far a right reaches: to everything, or only to connections shared with the person."""

    ALL = 1
    SHARED = 2


_ADMINISTRATORS = {Role.ADMINISTRATOR: Reach.ALL}
_CONTRIBUTORS = _ADMINISTRATORS | {Role.CONTRIBUTOR: Reach.SHARED}
_RUNNERS = _CONTRIBUTORS | {Role.OPERATOR: Reach.ALL}
_READERS = dict.fromkeys(Role, Reach.ALL)

RIGHTS: Mapping[Action, Mapping[Role, Reach]] = {
    Action.SEE_CONNECTION: _CONTRIBUTORS,
    Action.LIST_LISTS: _CONTRIBUTORS,
    Action.ADD_LIST: _CONTRIBUTORS,
    Action.READ_CONNECTION: _ADMINISTRATORS,
    Action.ADD_CONNECTION: _ADMINISTRATORS,
    Action.CHANGE_CONNECTION: _ADMINISTRATORS,
    Action.TEST_CONNECTION: _ADMINISTRATORS,
    Action.CHANGE_KEY: _ADMINISTRATORS,
    Action.SIGN_IN: _ADMINISTRATORS,
    Action.DETACH_CONNECTION: _ADMINISTRATORS,
    Action.REMOVE_CONNECTION: _ADMINISTRATORS,
    Action.SEE_EXPORT: _READERS,
    Action.ADD_EXPORT: _CONTRIBUTORS,
    Action.CHANGE_EXPORT: _CONTRIBUTORS,
    Action.DETACH_EXPORT: _CONTRIBUTORS,
    Action.REMOVE_EXPORT: _CONTRIBUTORS,
    Action.PREVIEW: _RUNNERS,
    Action.SHOW_ROWS: _CONTRIBUTORS,
    Action.START_RUN: _RUNNERS,
    Action.CANCEL_RUN: _RUNNERS,
    Action.SEE_RUN: _READERS,
    Action.SEE_SEGMENT: _ADMINISTRATORS | {Role.CONTRIBUTOR: Reach.ALL},
    Action.READ_AUDIT: _ADMINISTRATORS,
    Action.CHECK_HEALTH: _ADMINISTRATORS,
    Action.TICK: _ADMINISTRATORS | {Role.OPERATOR: Reach.ALL},
    Action.FORGET: _ADMINISTRATORS,
    Action.SEE_SELF: _READERS,
}


class Forbidden(PermanentError):
    """The caller's role does not allow this."""

    code = "forbidden"


def has_role_for(person: Person, action: Action) -> bool:
    """Whether the person may do this to anything at all."""
    return person.role in RIGHTS[action]


def may(person: Person, action: Action, shared_with: Sharing | None = None) -> bool:
    """Whether the person may do this to an object of a connection with this sharing; None: no connection."""
    reach = RIGHTS[action].get(person.role)
    return reach is Reach.ALL or (
        reach is Reach.SHARED and (shared_with is None or is_shared(shared_with, person))
    )


def is_shared(shared_with: Sharing, person: Person) -> bool:
    """Whether a connection is shared with a contributor; lists have only object ids of people and groups."""
    match shared_with:
        case "administrators":
            return False
        case "contributors":
            return True
    ids = {person.object_id, *person.groups} - {""}
    return not ids.isdisjoint(each.lower() for each in shared_with)


def is_object_id(text: str) -> bool:
    """Whether the text has the form of an object id in Microsoft Entra."""
    return re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text) is not None


def check_role(person: Person, action: Action) -> None:
    """Raises Forbidden, with the required role, if the person's role has no such right at all."""
    if not has_role_for(person, action):
        raise Forbidden(_needs(action))


def check(person: Person, action: Action, shared_with: Sharing | None) -> None:
    """Raises Forbidden, with the required role, if the person may not do this to the object."""
    check_role(person, action)
    if not may(person, action, shared_with):
        raise Forbidden(f"The connection is not shared with you. {_needs(action, Reach.ALL)}")


def check_visible(person: Person, action: Action, shared_with: Sharing, connection_id: str) -> None:
    """The same for a connection, which a contributor can't even see unless it is shared.

    Raises Forbidden; NotFound as for one that does not exist.
    """
    check_role(person, action)
    if not may(person, action, shared_with):
        raise NotFound(f"The connection {connection_id!r} does not exist.", code="unknown_connection")


def _needs(action: Action, reach: Reach | None = None) -> str:
    roles = [
        role.value.capitalize()
        for role, given in RIGHTS[action].items()
        if role is not Role.OPERATOR and reach in (None, given)
    ]
    return f"This needs the role {' or '.join(roles)}."
