"""What the HTTP folders share: how a reply looks, what an error becomes, what a caller may send."""

from shared.api.bodies import EmptyBody, PreviewBody, StartAllBody, StartBody, is_name, read_body
from shared.api.preferences import Preferences
from shared.api.problems import BadRequest, guarded
from shared.api.replies import Reply, come_back, csv_reply, problem_reply, reply, reply_of_run

__all__ = [
    "BadRequest",
    "EmptyBody",
    "Preferences",
    "PreviewBody",
    "Reply",
    "StartAllBody",
    "StartBody",
    "come_back",
    "csv_reply",
    "guarded",
    "is_name",
    "problem_reply",
    "read_body",
    "reply",
    "reply_of_run",
]
