"""Synthetic customers: always the same ones, computed from their index.

No real person has their data: the addresses are at example.org (RFC 2606), and the numbers are in 555-0100
to 555-0199, the range that North America reserves for fiction.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

COLUMNS = {
    "CustomerId": "string",
    "FirstName": "string",
    "LastName": "string",
    "FullName": "string",
    "DateOfBirth": "dateTime",
    "Gender": "string",
    "EMail": "string",
    "Telephone": "string",
    "StreetAddress": "string",
    "City": "string",
    "State": "string",
    "PostCode": "string",
    "Country": "string",
    "RewardPoints": "int64",
    "CreatedOn": "dateTimeOffset",
    "Newsletter consent": "boolean",
}
"""The columns of a row, in order, with the data types that model.json gives them."""

type Row = tuple[str, ...]

FIRST_NAMES = (
    "Abbie",
    "Anthony",
    "Chloé",
    "Dmitri",
    "Eszter",
    "Fatima",
    "Grace",
    "Hugo",
    "Ingrid",
    "José",
    "Kaya",
)
LAST_NAMES = (
    "Moss",
    "Koteles",
    "O'Hara",
    "Lindqvist",
    "Nakamura",
    "Okafor",
    "Petrov",
    "Quintana",
    "Ríos",
    "Smith",
)
PLACES = (  # city, state, the first three digits of the post code, area code
    ("Fairfield", "California", "945", "707"),
    ("Austin", "Texas", "787", "512"),
    ("Denver", "Colorado", "802", "303"),
    ("Portland", "Oregon", "972", "503"),
    ("Madison", "Wisconsin", "537", "608"),
    ("Albany", "New York", "122", "518"),
    ("Washington", "District of Columbia", "200", "202"),
)
BROKEN_EMAILS = ("person.example.org", "person@", "@example.org", "per son@example.org", "a@b@example.org")


@dataclass(frozen=True, slots=True)
class Expected:
    """The result of a correct export of some people: rows = rejected + duplicates + delivered emails."""

    rows: int
    rejected: int
    """Rows whose address is blank or broken."""
    emails: frozenset[str]
    """The addresses to deliver, in lowercase."""

    @property
    def duplicates(self) -> int:
        """Rows with the address of an earlier row."""
        return self.rows - self.rejected - len(self.emails)


@dataclass(frozen=True, slots=True)
class People:
    """`count` customers from index `start` on; each row is made when it is read.

    With `dirt`, seven rows in a hundred have the faults of real files: an address that is blank, broken or
    an earlier row's, a number that is not E.164, dates in the American format, no reward points.
    """

    count: int
    dirt: bool = False
    start: int = 0

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Row]:
        return map(_dirty if self.dirt else _clean, self._indexes)

    @property
    def expected(self) -> Expected:
        """The result of a correct export of these rows without a filter."""
        if not self.dirt:
            return Expected(self.count, 0, frozenset(map(email, self._indexes)))
        usable = [index for index in self._indexes if index % 100 not in (BLANK, BROKEN)]
        return Expected(
            self.count, self.count - len(usable), frozenset(email(_owner(index)) for index in usable)
        )

    @property
    def _indexes(self) -> range:
        return range(self.start, self.start + self.count)


def email(index: int) -> str:
    """The address of the customer with this index."""
    return f"person-{index:07d}@example.org"


def _clean(index: int) -> Row:
    first = FIRST_NAMES[index % len(FIRST_NAMES)]
    last = LAST_NAMES[index // 3 % len(LAST_NAMES)]
    city, state, zone, area = PLACES[index % len(PLACES)]
    month, day = 1 + index % 12, 1 + index % 28
    return (
        f"{(index + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}",
        first,
        last,
        f"{first} {last}",
        f"{1940 + index % 65}-{month:02d}-{day:02d}T00:00:00Z",
        ("Female", "Male", "Non-binary")[index % 3],
        email(index),
        f"+1{area}55501{index // 7 % 100:02d}",
        _street(index),
        city,
        state,
        f"{zone}{index % 100:02d}",
        "USA",
        str(index * 37 % 5000),
        f"{2012 + index % 14}-{month:02d}-{day:02d}T{index % 24:02d}:30:00+00:00",
        "False" if index % 5 == 4 else "True",
    )


def _street(index: int) -> str:
    number = 1 + index % 9999
    if index % 7 == 3:
        return f'{number} Miller Plaza, Apt "{"ABCD"[index % 4]}"'
    if index % 11 == 5:
        return f"{number} Perez Centers\nSuite {index % 300}"
    return f"{number} Harbour Road"


# The last two digits of an index select the dirt of its row.
BLANK, BROKEN, AGAIN, AGAIN_FAR, ODD_PHONE, ODD_DATES, NO_POINTS = 13, 37, 61, 83, 29, 47, 71


def _dirty(index: int) -> Row:
    row = _clean(index)
    spoil = DIRT.get(index % 100)
    return row if spoil is None else tuple((dict(zip(COLUMNS, row, strict=True)) | spoil(index)).values())


def _owner(index: int) -> int:
    """The index whose address a row has: its own, its neighbor's, or that of a row far above."""
    return {AGAIN: index - 1, AGAIN_FAR: index // 2}.get(index % 100, index)


def _again(index: int) -> dict[str, str]:
    address = email(_owner(index))
    return {"EMail": (address.upper(), f" {address}", f"{address.capitalize()}  ")[index // 100 % 3]}


def _odd_phone(index: int) -> dict[str, str]:
    _, _, _, area = PLACES[index % len(PLACES)]
    line = f"01{index % 100:02d}"
    forms = (f"{area}.555.{line}x9509", f"001-{area}-555-{line}x442", f"({area}) 555-{line}", "unknown")
    return {"Telephone": forms[index // 100 % len(forms)]}


def _odd_dates(index: int) -> dict[str, str]:
    month, day = 1 + index % 12, 1 + index % 28
    return {
        "DateOfBirth": f"{month}/{day}/{1940 + index % 65}",
        "CreatedOn": f"{2012 + index % 14}-{month:02d}-{day:02d}",
    }


DIRT: dict[int, Callable[[int], dict[str, str]]] = {
    BLANK: lambda index: {"EMail": ("", "   ")[index // 100 % 2]},
    BROKEN: lambda index: {"EMail": BROKEN_EMAILS[index // 100 % len(BROKEN_EMAILS)]},
    AGAIN: _again,
    AGAIN_FAR: _again,
    ODD_PHONE: _odd_phone,
    ODD_DATES: _odd_dates,
    NO_POINTS: lambda _: {"RewardPoints": ""},
}
