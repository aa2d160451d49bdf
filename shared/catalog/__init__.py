"""What is configured: connections (where data may go) and exports (what goes there)."""

from shared.catalog.catalog import Catalog, Listed
from shared.catalog.documents import ID_PATTERN, Account, Connection, Export

__all__ = ["ID_PATTERN", "Account", "Catalog", "Connection", "Export"]
