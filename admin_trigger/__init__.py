"""Over HTTP: connections, exports, segments, the audit, and who is calling."""

from admin_trigger.routes import blueprint

__all__ = ["blueprint"]
