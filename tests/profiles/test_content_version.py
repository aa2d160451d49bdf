"""The version of contents stands for the code between cells and profile: it has to rise with every change.

The ledger tells a row that was sent before by its cells alone. Where the same cells become another profile,
in our code or in a library, everybody has to be sent once more, and that is what the version does.
After raising it, or where there are more rows here, `python -m tests.profiles.test_content_version` writes
the file of digests anew.
"""

import json
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from shared.klaviyo import PROFILE_FORMAT
from shared.profiles import Mapper, Mapping, Source
from shared.profiles.digests import CONTENT_VERSION
from shared.profiles.profile import Refusal
from shared.profiles.values import CONVERTERS

KEPT = Path(__file__).with_name("content_version.json")
EMAIL = "somebody@example.org"
TEXTS = (
    *(
        "",
        " \t",
        "\u200b",
        "a",
        " a b ",
        "\u200ba\ufeff",
        "ä",
        "a\u0301",
        "\x01",
        "a\x01b",
        "\\u0001",
        "\x7f",
    ),
    *(
        "0",
        "-0",
        "007",
        "7",
        "+7",
        "1,234",
        "1,23",
        "1234.50",
        ".5",
        "5.",
        "1e3",
        "1E-7",
        "NaN",
        "inf",
        "1_0",
    ),
    *("9007199254740992", "9007199254740993", "0.1234567890123456789", "1e400", "١٢", "0x10"),
    *("True", "false", "yes", "TRUE ", "2026-05-01", "2026-02-30", "5/1/2026", "13/1/2026", "0001-01-01"),
    *("2026-05-01T08:00:00Z", "2026-05-01T24:00:00", "5/1/2026 8:00:00 PM", "2026-05-01 08:00:00.1234567"),
    *("2026-05-01T08:00:00.999+02:00", "5/1/2026 12:00:00 AM", "2026-05-01T00:00:00", "08:00", "8:05 PM"),
    *("ce759201-f786-d590-bf21-34bff576c369", "{CE759201F786D590BF2134BFF576C369}", "ce759201-f786d590"),
    *("null", '""', '"a"', "[]", "[1, 2]", '{"a": 1, "a": 2}', '{"a": [null]}', "[1e400]", "{", "true"),
)
PHONES = (
    *("+17075550142", "+1 (707) 555-0142", "707-555-0142", "17075550142", "0017075550142", "+1707555", "0"),
    *(
        "030 123456",
        "+49 30 123456",
        "0049 30 123456",
        "+49 (0)30 123456",
        "+44 20 7946 0018",
        "+1 000 555 0142",
    ),
    *("1.7075550142E+10", "17075550142.0", "+1 707 555 0142 ext. 5", "tel:+17075550142", "+١٧٠٧٥٥٥٠١٤٢"),
)
ADDRESSES = (
    *("", " ", EMAIL, f" {EMAIL} ", "Somebody@Example.org", "somebody", "a@b", "some body@example.org"),
    *("somebody@example..org", ".some@example.org", "söme@example.org", "some@exämple.org", "a@example.org,"),
    *('"some body"@example.org', "a@[127.0.0.1]", "\u200bsomebody@example.org", "a" * 250 + "@example.org"),
)


def rows() -> Iterator[tuple[str, Mapping, list[tuple[str, str]], list[str]]]:
    """Kinds, mappings, columns and cells."""
    plain = Mapping("Email")
    for address in ADDRESSES:
        yield "email", plain, [("Email", "string")], [address]
    for data_type in ("string", *CONVERTERS):
        columns = [("Email", "string"), ("It", data_type)]
        for text in TEXTS:
            for name, mapping in (
                ("property", Mapping("Email", properties=(("It", Source("It")),))),
                ("cleared", Mapping("Email", properties=(("It", Source("It")),), clear_blanks=True)),
                ("title", Mapping("Email", (("title", Source("It")),))),
                ("external_id", Mapping("Email", (("external_id", Source("It")),))),
                ("zip", Mapping("Email", (("location.zip", Source("It")),))),
            ):
                yield f"{name} {data_type}", mapping, columns, [EMAIL, text]
    for region in (None, "US", "DE", "GB"):
        for data_type in ("string", "int64", "double"):
            mapping = Mapping("Email", (("phone_number", Source("It", region)),))
            columns = [("Email", "string"), ("It", data_type)]
            for phone in PHONES:
                yield f"phone {region or 'anywhere'} {data_type}", mapping, columns, [EMAIL, phone]


def digests() -> dict[str, str]:
    """What becomes of each kind's rows: of the payloads with the codes of warnings, and of the refusals."""
    found: dict[str, blake2b] = {}
    for kind, mapping, columns, cells in rows():
        mapper = Mapper(mapping, columns, PROFILE_FORMAT)
        try:
            profile = mapper.profile(0, 1, cells, *mapper.identify(cells))
        except Refusal as refusal:
            outcome = [refusal.reason, refusal.column]
        else:
            outcome = [profile.payload.decode(), *profile.warnings]
        found.setdefault(kind, blake2b(digest_size=8)).update(json.dumps(outcome).encode())
    return {kind: digest.hexdigest() for kind, digest in found.items()}


def test_the_same_cells_become_the_same_profile_under_the_same_version() -> None:
    """If this fails and the change is meant: raise CONTENT_VERSION, and write the file anew."""
    assert json.loads(KEPT.read_text()) == {"version": CONTENT_VERSION, "digests": digests()}


if __name__ == "__main__":
    KEPT.write_text(json.dumps({"version": CONTENT_VERSION, "digests": digests()}, indent=2) + "\n")
