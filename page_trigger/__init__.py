"""The web page. It calls the same functions as the HTTP API."""

from page_trigger.routes import blueprint

__all__ = ["blueprint"]
