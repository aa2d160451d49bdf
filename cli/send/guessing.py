"""Guesses which columns of an unknown file hold the email and Klaviyo's attributes."""

from collections.abc import Iterable, Sequence
from itertools import islice

from cli.send.one_file import CsvFile
from shared.profiles.emails import is_possible_email
from shared.segments import read_rows

SAMPLE = 200
# Names of columns, letters only, by Klaviyo's attribute.
NAMES = {
    "first_name": ("firstname", "givenname", "forename"),
    "last_name": ("lastname", "surname", "familyname"),
    "phone_number": ("phonenumber", "phone", "telephone", "mobile", "mobilephone", "cellphone"),
    "external_id": ("externalid", "customerid"),
    "organization": ("organization", "organisation", "company", "companyname"),
    "title": ("title", "jobtitle"),
    "location.address1": ("address", "address1", "street", "streetaddress"),
    "location.city": ("city", "town"),
    "location.region": ("region", "state", "province"),
    "location.zip": ("zip", "zipcode", "postcode", "postalcode"),
    "location.country": ("country", "countryregion"),
}


def guess_email(file: CsvFile) -> str | None:
    """The column with the most addresses in the first rows, if most of its values are addresses."""
    best, most = None, 0
    for column, cells in zip(file.columns, zip(*_sample(file), strict=True), strict=False):
        filled = [cell.strip() for cell in cells if cell.strip()]
        addresses = sum(map(is_possible_email, filled))
        if addresses > most and 2 * addresses > len(filled):
            best, most = column, addresses
    return best


def guess_attributes(columns: Sequence[str]) -> dict[str, str]:
    """Columns by the attribute that their names suggest; each attribute takes the first match."""
    by_name = {"".join(filter(str.isalpha, column)).lower(): column for column in reversed(columns)}
    found = {
        attribute: next((by_name[name] for name in names if name in by_name), None)
        for attribute, names in NAMES.items()
    }
    return {attribute: column for attribute, column in found.items() if column is not None}


def _sample(file: CsvFile) -> Iterable[list[str]]:
    snapshot = file.snapshot()
    rows = read_rows(file.store, file.partition, 0, snapshot.csv_format, file.columns)
    return [cells for _, _, cells in islice(rows, SAMPLE) if not isinstance(cells, str)]
