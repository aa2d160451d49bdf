"""The configuration: connections (where data may go) and exports (what goes there)."""

from shared.catalog.attributes import PhoneColumn
from shared.catalog.catalog import Catalog, Listed
from shared.catalog.connection import Connection, PinnedAccount
from shared.catalog.document import ID_PATTERN
from shared.catalog.export import Alerts, Cron, Export

__all__ = [
    "ID_PATTERN",
    "Alerts",
    "Catalog",
    "Connection",
    "Cron",
    "Export",
    "Listed",
    "PhoneColumn",
    "PinnedAccount",
]
