"""The web page: what people click, over the functions that the HTTP API calls."""

from page_trigger.routes import blueprint

__all__ = ["blueprint"]
