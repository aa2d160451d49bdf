"""The HTTP API of runs: start and show runs on demand, and check the app's health."""

from export_trigger.routes import blueprint

__all__ = ["blueprint"]
