"""Guesses which columns of an unknown file hold the email, Klaviyo's attributes, and consent."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import islice

from cli.send.one_file import CsvFiles
from shared.profiles import UNKEYED, Mapper
from shared.profiles.digest_set import DigestSet
from shared.profiles.emails import is_possible_email
from shared.profiles.profile import Filtered, Refusal
from shared.segments import read_rows
from shared.text import trim

SAMPLE = 200
# Names of columns, letters only, by Klaviyo's attribute.
NAMES = {
    "first_name": ("firstname", "givenname", "forename", "vorname"),
    "last_name": ("lastname", "surname", "familyname", "nachname"),
    "phone_number": (
        *("phonenumber", "phone", "telephone", "mobile", "mobilephone", "cellphone", "telefon"),
        *("telefonnummer", "mobil", "handy"),
    ),
    "external_id": ("externalid", "customerid"),
    "organization": ("organization", "organisation", "company", "companyname", "firma"),
    "title": ("title", "jobtitle"),
    "location.address1": ("address", "address1", "street", "streetaddress"),
    "location.city": ("city", "town", "ort", "stadt"),
    "location.region": ("region", "state", "province"),
    "location.zip": ("zip", "zipcode", "postcode", "postalcode", "plz", "postleitzahl"),
    "location.country": ("country", "countryregion", "land"),
}
# In a name of which only letters are left.
_CONSENT = re.compile(
    "opt(ed)?(in|out)|consent|subscri|newsletter|marketing|permission|gdpr|donot(bulk)?email|suppress|"
    "einwillig|einverst|zustimm|erlaubnis|werb|dsgvo|datenschutz|abonn|abgemeldet|abmeld|abbestell|"
    "widerspr|widerruf|sperr|robinson|kontaktiert|consenso|consentimiento|rgpd|desinscri|^(doi|nl)$"
)
# Rows of a file whose answers are counted.
_MOST_COUNTED = 1_000_000


def guess_email(files: CsvFiles) -> str | None:
    """The column with the most addresses in the first rows, if most of its values are addresses."""
    best, most = None, 0
    for column, cells in zip(files.columns, zip(*_sample(files), strict=True), strict=False):
        filled = [cell.strip() for cell in cells if cell.strip()]
        addresses = sum(map(is_possible_email, filled))
        if addresses > most and 2 * addresses > len(filled):
            best, most = column, addresses
    return best


def guess_attributes(columns: Sequence[str]) -> dict[str, str]:
    """Columns by the attribute that their names suggest; each attribute takes the first match."""
    by_name = {_letters(column): column for column in reversed(columns)}
    found = {
        attribute: next((by_name[name] for name in names if name in by_name), None)
        for attribute, names in NAMES.items()
    }
    return {attribute: column for attribute, column in found.items() if column is not None}


def consent_columns(files: CsvFiles, used: Collection[str]) -> list[str]:
    """The columns that are called like consent."""
    return [column for column in files.columns if column not in used and _CONSENT.search(_letters(column))]


def answers_of(files: CsvFiles, column: str) -> Counter[str]:
    """How many rows have which value in a column, without white space around it; at most of a million rows of
    each file."""
    found: Counter[str] = Counter()
    csv_format, place = files.snapshot().csv_format, files.columns.index(column)
    for partition in files.partitions:
        rows = read_rows(files.store, partition, 0, csv_format, files.columns)
        for _, _, cells in islice(rows, _MOST_COUNTED):
            if not isinstance(cells, str):
                found[trim(cells[place])] += 1
    return found


def count_contradictions(files: CsvFiles, mapper: Mapper) -> int:
    """How many people have a row that passes the mapper's condition and a row that does not."""
    passed, left, both = DigestSet(), DigestSet(), DigestSet()
    for partition in files.partitions:
        for _, _, cells in read_rows(files.store, partition, 0, files.snapshot().csv_format, files.columns):
            if isinstance(cells, str):
                continue
            these, others = passed, left
            try:
                mapper.identify(cells)
            except Filtered:
                these, others = left, passed
            except Refusal:
                continue
            address = mapper.address(cells)
            if not is_possible_email(address):
                continue
            person = UNKEYED.person(address)
            these.add(person)
            if person in others:
                both.add(person)
    return len(both)


def has_national_phones(files: CsvFiles, column: str) -> bool:
    """Whether a phone in the first rows has no country code."""
    return any(phone and not phone.startswith("+") for phone in values_of(files, column))


def values_of(files: CsvFiles, column: str) -> list[str]:
    """The values of a column in the first rows, without white space around them."""
    if column not in files.columns:
        return []
    place = files.columns.index(column)
    return [cells[place].strip() for cells in _sample(files)]


def _letters(name: str) -> str:
    return "".join(filter(str.isalpha, name)).lower()


def _sample(files: CsvFiles) -> Iterable[list[str]]:
    first = files.partitions[0]
    rows = read_rows(files.store, first, 0, files.snapshot().csv_format, files.columns)
    return [cells for _, _, cells in islice(rows, SAMPLE) if not isinstance(cells, str)]
