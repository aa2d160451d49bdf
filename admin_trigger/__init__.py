"""The HTTP API of administration: connections, exports, segments, the audit, and the caller."""

from admin_trigger.routes import blueprint

__all__ = ["blueprint"]
