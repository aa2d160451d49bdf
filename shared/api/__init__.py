"""What the HTTP folders share: how a reply looks, what an error becomes, what a caller prefers."""

from shared.api.preferences import Preferences
from shared.api.replies import Reply, csv_reply, guarded, problem_reply, reply, reply_of_run

__all__ = ["Preferences", "Reply", "csv_reply", "guarded", "problem_reply", "reply", "reply_of_run"]
