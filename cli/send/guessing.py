"""Guesses which columns of an unknown file hold the email, Klaviyo's attributes, and consent."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice

from cli.send.one_file import CsvFiles
from cli.send.refused import Refused
from shared.profiles import UNKEYED
from shared.profiles.digest_set import DigestSet
from shared.profiles.emails import is_possible_email
from shared.profiles.visible import value_of
from shared.text import MAX_LISTED, trim

SAMPLE = 200
# Rows of a file that show whether a column has only answers, and so many of them.
MOST_LOOKED_AT, MOST_ANSWERS = 10_000, 20
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
# In names of which only letters are left: people who opted out, and people who agreed.
_OPT_OUT = (
    "optout|optedout|unsub|donot(bulkemail|email|mail|contact)|^dnc$|suppress|blacklist|blocked|bounce|"
    "abgemeldet|abmeld|abbestell|widerspr|widerruf|sperr|robinson|k.ndigung|nicht(anschreib|kontakt)|"
    "keine?(newsletter|werbung|mail)|no(newsletter|marketing|mail)|d.sinscri|d.sabonn|disiscri|^baja$|"
    "afgemeld|uitgeschreven|odhl|wypisan"
)
_OPT_IN = (
    "opt(ed)?in|consent|subscri|newsletter|marketing|permission|gdpr|einwillig|einverst|zustimm|erlaubnis|werb|"
    "dsgvo|datenschutz|abonn|angeschrieben|kontakt(ier|peremail)|(can|may)contact|mail(ing)?(ok|erw|erlaub|allow)|"
    "consenso|consentimiento|rgpd|bolet.n|toestemming|nieuwsbrief|samtykke|nyhetsbrev|nyhedsbrev|zgoda|souhlas|"
    "suostumus|hozz.j.rul|^onay|acept|accett|同意|согласие|рассылк|^(doi|nl)$"
)
_CONSENT = re.compile(f"{_OPT_OUT}|{_OPT_IN}")
_STATES = {
    *("subscribed", "unsubscribed", "never subscribed", "opted in", "opted out", "opt-in", "opt-out"),
    *("abonniert", "angemeldet", "abgemeldet"),
}
_YES_OR_NO = {
    *("yes", "no", "y", "n", "true", "false", "ja", "nein", "j", "wahr", "falsch", "oui", "non", "o"),
    *("sí", "si", "nee", "nej", "tak", "nie", "ano", "ne", "да", "нет", "x"),
}


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
    """The columns that are called like consent, or whose first answers are only yes or no, or subscribed."""
    others = [column for column in files.columns if column not in used]
    answers: dict[str, set[str]] = {column: set() for column in others if not looks_like_consent(column)}
    places = [(files.columns.index(column), found) for column, found in answers.items()]
    for cells in _sample(files, MOST_LOOKED_AT):
        for place, found in places:
            if len(found) < MOST_ANSWERS:
                found.add(trim(cells[place]).casefold())
    return [column for column in others if column not in answers or _is_answer(answers[column] - {""})]


def looks_like_consent(column: str) -> bool:
    return _CONSENT.search(_letters(column)) is not None


def is_opt_out(column: str) -> bool:
    """Whether the name of a column says who does not agree."""
    return re.search(_OPT_OUT, _letters(column)) is not None


def _is_answer(values: Collection[str]) -> bool:
    return not _STATES.isdisjoint(values) or (bool(values) and _YES_OR_NO.issuperset(values))


def answers_of(files: CsvFiles, column: str) -> Counter[str]:
    """How many rows have which value in a column, without white space around it."""
    found: Counter[str] = Counter()
    place = files.columns.index(column)
    for partition in files.partitions:
        for _, cells in files.rows(partition):
            if not isinstance(cells, str):
                found[trim(cells[place])] += 1
    return found


def contradictions(
    files: CsvFiles, email: str, column: str, passes: Callable[[str], bool]
) -> tuple[int, list[Refused]]:
    """How many people have a row whose cell in the column passes and a row whose cell does not, and such a
    row of the first of them. A blank cell contradicts nothing."""
    mail, place = files.columns.index(files.column(email)), files.columns.index(column)
    passed, left, both = DigestSet(), DigestSet(), DigestSet()
    first: list[Refused] = []
    for partition in files.partitions:
        for row, cells in files.rows(partition):
            if isinstance(cells, str):
                continue
            address, cell = value_of(cells[mail]), cells[place]
            these, others = (passed, left) if passes(cell) else (left, passed)
            if "@" not in address or (these is left and not trim(cell)):
                continue
            person = UNKEYED.person(address)
            these.add(person)
            if person in others and both.add(person) and len(first) < MAX_LISTED:
                first.append(Refused(partition.name, row, "", "contradictory"))
    return len(both), first


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


def _sample(files: CsvFiles, most: int = SAMPLE) -> Iterator[Sequence[str]]:
    """The first rows of each file."""
    for partition in files.partitions:
        for _, cells in islice(files.rows(partition), most):
            if not isinstance(cells, str):
                yield cells
