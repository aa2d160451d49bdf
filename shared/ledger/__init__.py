"""The people who may be on a list, and what was sent of each, as digests under a secret key.

A ledger is an immutable file that identifies nobody: without the key, not even a known address can be looked
up in it. A run compares the segment with the ledger that the export's head points to, and writes a new one
when it closes.
"""

from shared.ledger.consents import still_former, with_consents
from shared.ledger.erased import Erased, ErasedUnreadable, add_erased, read_erased
from shared.ledger.file import Ledger, LedgerHeader, LedgerLost, read_ledger, write_ledger
from shared.ledger.key import MAKE_KEY, DigestKey, ensure_key, expected_key, read_key
from shared.ledger.people import People
from shared.ledger.update import Leavers, Posted, updated

__all__ = [
    "MAKE_KEY",
    "DigestKey",
    "Erased",
    "ErasedUnreadable",
    "Leavers",
    "Ledger",
    "LedgerHeader",
    "LedgerLost",
    "People",
    "Posted",
    "add_erased",
    "ensure_key",
    "expected_key",
    "read_erased",
    "read_key",
    "read_ledger",
    "still_former",
    "updated",
    "with_consents",
    "write_ledger",
]
