"""Rows become checked profiles, and profiles become batches. Pure, no I/O.

Only the columns that the mapping names leave this package.
"""

from shared.profiles.batches import Batch, pack
from shared.profiles.digests import UNKEYED, Digests
from shared.profiles.mapper import Mapper
from shared.profiles.mapping import Condition, Mapping, Source
from shared.profiles.profile import Profile, Why
from shared.profiles.selection import Known, Rejected, Selection

__all__ = [
    "UNKEYED",
    "Batch",
    "Condition",
    "Digests",
    "Known",
    "Mapper",
    "Mapping",
    "Profile",
    "Rejected",
    "Selection",
    "Source",
    "Why",
    "pack",
]
