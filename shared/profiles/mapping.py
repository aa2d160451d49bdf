"""The mapping: what is sent, by the names of a segment's columns."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import orjson


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a value: a column; for a phone number, also its region (`US`)."""

    column: str
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """Which rows are sent: those whose cell is one of `values` or, if `negated`, none of them.

    conditions.py defines how they are compared. A blank cell equals only "". To keep it from passing for
    consent, name the values that mean consent ("True"), not those that don't ("False").
    """

    column: str
    values: frozenset[str]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Mapping:
    """What is sent. `attributes` has Klaviyo's names (`location.city`), `properties` the custom ones.

    With `clear_blanks`, a property whose cell is blank is cleared instead of left unchanged. `consented_at`
    is the column with the time at which a person consented to email marketing.
    """

    email: str
    attributes: tuple[tuple[str, Source], ...] = ()
    properties: tuple[tuple[str, Source], ...] = ()
    only_if: Condition | None = None
    clear_blanks: bool = False
    consented_at: str | None = None

    def columns(self) -> list[str]:
        """Every column that the mapping reads."""
        condition = [self.only_if.column] if self.only_if else []
        consent = [self.consented_at] if self.consented_at is not None else []
        return [self.email, *(source.column for source in self.sources()), *condition, *consent]

    def sources(self) -> Iterator[Source]:
        """The source of each attribute and property."""
        for _, source in (*self.attributes, *self.properties):
            yield source

    def fingerprint(self) -> str:
        """Equal for two mappings that send the same, regardless of order."""
        parts = [
            sorted((name, source.column, source.region) for name, source in each)
            for each in (self.attributes, self.properties)
        ]
        clears = self.clear_blanks and bool(self.properties)
        return blake2b(orjson.dumps([self.email, *parts, clears]), digest_size=8).hexdigest()
