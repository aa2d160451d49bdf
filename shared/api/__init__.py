"""Shared by the HTTP triggers: replies, problems, and the bodies of requests."""

from shared.api.bodies import EmptyBody, PreviewBody, StartAllBody, StartBody, read_body
from shared.api.pages import limit_in, next_page
from shared.api.preferences import Preferences
from shared.api.problems import BadRequest
from shared.api.replies import Reply, come_back, csv_reply, problem_reply, reply, reply_of_run
from shared.api.routes import Call, Operation, Route, answer, blueprint_of, deadline_of

__all__ = [
    "BadRequest",
    "Call",
    "EmptyBody",
    "Operation",
    "Preferences",
    "PreviewBody",
    "Reply",
    "Route",
    "StartAllBody",
    "StartBody",
    "answer",
    "blueprint_of",
    "come_back",
    "csv_reply",
    "deadline_of",
    "limit_in",
    "next_page",
    "problem_reply",
    "read_body",
    "reply",
    "reply_of_run",
]
