"""What is configured: connections (where data may go) and exports (what goes there)."""

from shared.catalog.attributes import PhoneColumn
from shared.catalog.catalog import Catalog, Listed
from shared.catalog.connection import Connection, PinnedAccount
from shared.catalog.document import ID_PATTERN
from shared.catalog.export import Cron, Export

__all__ = ["ID_PATTERN", "Catalog", "Connection", "Cron", "Export", "Listed", "PhoneColumn", "PinnedAccount"]
