"""On demand, over HTTP: start a run of an export, see it, and ask whether the app is well."""

from export_trigger.routes import blueprint

__all__ = ["blueprint"]
