"""A run and its one holder, with which each step of a turn works."""

from datetime import datetime

from shared import state
from shared.adapters.clock import Deadline
from shared.catalog import Connection, PinnedAccount
from shared.errors import Denied, NotFound, PermanentError
from shared.klaviyo import Klaviyo
from shared.ledger import Ledger, read_ledger
from shared.runs.lock.export import ExportLock
from shared.runs.plan import Plan
from shared.runs.run import OpenRun
from shared.services import Services, open_account


class KeyElsewhere(PermanentError):
    """Only the command that sends a file has its key; this process has none for the same account."""


class ConnectionRemoved(PermanentError):
    """The connection of a run was removed, or its document deleted, while the run was open."""


class Holder:
    """Holds the lock of the run's export for one turn, which lasts until the deadline."""

    def __init__(self, lock: ExportLock, services: Services, deadline: Deadline) -> None:
        self.lock = lock
        self.services = services
        self.deadline = deadline
        self.run: OpenRun = lock.run
        self._ledgers: dict[str, Ledger] = {}

    @property
    def plan(self) -> Plan:
        """The plan of a pinned run."""
        if self.run.plan is None:
            raise LookupError("the run has no plan yet")
        return self.run.plan

    def now(self) -> datetime:
        return self.services.clock.now()

    def sign_in(self, connection: Connection) -> Klaviyo:
        """A client for the connection's account; a connection without an account is pinned to the key's.

        Raises as `open_account` does.
        """
        klaviyo = open_account(self.services, connection, self.deadline)
        if connection.account is None:
            account = PinnedAccount(id=klaviyo.account.id, name=klaviyo.account.name)
            self.services.catalog.pin_account(connection, account)
        return klaviyo

    def read_ledger(self, name: str) -> Ledger:
        """A ledger, read once per turn. Raises as `shared.ledger.read_ledger` does."""
        if name not in self._ledgers:
            self._ledgers[name] = read_ledger(self.services.state, name)
        return self._ledgers[name]

    def klaviyo(self) -> Klaviyo:
        """A client for the plan's account, with the key of its connection.

        Raises ConnectionRemoved, KeyElsewhere and NotFound; Denied if the key opens another account.
        """
        klaviyo = self.sign_in(self._connection())
        if klaviyo.account.id != self.plan.account_id:
            raise Denied(
                f"The run began in the Klaviyo account {self.plan.account_id}, but the connection's key "
                f"opens the account {klaviyo.account.id}: nothing more is sent. "
                "Put the right key into the vault.",
                code="wrong_account",
            )
        return klaviyo

    def _connection(self) -> Connection:
        """The plan's connection. A file that the command sends has none: any to its account will do.

        Raises ConnectionRemoved, KeyElsewhere, InvalidDocument.
        """
        catalog, plan = self.services.catalog, self.plan
        if not state.is_of_one_file(plan.export.id):
            try:
                return catalog.connection(plan.export.connection)
            except NotFound as error:
                raise ConnectionRemoved(error.message) from None
        connection = catalog.connection_to(plan.account_id)
        if connection is None:
            raise KeyElsewhere("Only the command that sends the file has the key.")
        return connection
