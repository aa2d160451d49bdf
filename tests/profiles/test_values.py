"""Values by model.json's data types."""

from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.profiles.values import CONVERTERS

JSONS = (
    "{", "[1,]", "NaN", "[NaN]", "[-Infinity]", '"\\ud800"', '{"a": 1, "a": 2}', '[{"a": {"b": 1, "b": 1}}]',
    "12345678901234567890123", '{"id": 9007199254740993}', "[1e400]", "[1e-400]", "[0.1234567890123456789]",
    "[" * 65536, "[" * 101 + "]" * 101, '{"a":' * 500 + "1" + "}" * 500,
)  # fmt: skip


def fits(data_type: str, text: str) -> bool:
    try:
        CONVERTERS[data_type](text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("data_type", "text", "expected"),
    [
        ("int64", "293", 293),
        ("int64", "-7", -7),
        ("int64", "+7", 7),
        ("int64", "007", 7),
        ("int64", "-0", 0),
        ("int64", "9007199254740992", 2**53),
        ("int64", "-9007199254740992", -(2**53)),
        ("int64", "1,234", 1234),
        ("int64", "-12,345,678", -12345678),
        ("double", "1,234.5", 1234.5),
        ("decimal", "1,234.50", 1234.5),
        ("decimal", "12,345,678,901,234.5", 12345678901234.5),
        ("double", "0.1", 0.1),
        ("double", "1E-05", 0.00001),
        ("double", "-.5", -0.5),
        ("double", "12", 12.0),
        ("double", "0E0", 0.0),
        ("double", "9007199254740992", 9007199254740992.0),
        ("double", "0.30000000000000004", 0.30000000000000004),
        ("double", "5E-324", 5e-324),
        ("decimal", "1234567890.1234", 1234567890.1234),
        ("decimal", "100.00", 100.0),
        ("decimal", "0.1234567890123456", 0.1234567890123456),
        ("boolean", "True", True),
        ("boolean", "false", False),
        ("date", "2018-05-08", "2018-05-08"),
        ("date", "5/8/1986", "1986-05-08"),
        ("date", "5/8/1986 12:00:00 AM", "1986-05-08"),
        ("date", "1986-05-08T00:00:00Z", "1986-05-08"),
        ("time", "14:33:00", "14:33:00"),
        ("time", "2:33 PM", "14:33:00"),
        ("time", "12:05:06.5 am", "00:05:06.5"),
        ("dateTime", "8/24/2026 2:33:00 PM", "2026-08-24T14:33:00"),
        ("dateTime", "8/24/2026 2:33\u202fPM", "2026-08-24T14:33:00"),
        ("dateTime", "8/24/2026 14:33", "2026-08-24T14:33:00"),
        ("dateTime", "8/24/2026 12:00:00 AM", "2026-08-24T00:00:00"),
        ("dateTime", "5/8/1986", "1986-05-08"),
        ("dateTime", "2026-08-24 14:33:00.1234567", "2026-08-24T14:33:00.1234567"),
        ("dateTimeOffset", "2017-03-14T00:00:00+00:00", "2017-03-14T00:00:00+00:00"),
        ("dateTimeOffset", "2017-03-14T00:00:00.0000000Z", "2017-03-14T00:00:00.0000000Z"),
        ("dateTimeOffset", "2017-03-14 00:00:00 -08:00", "2017-03-14T00:00:00-08:00"),
        ("dateTimeOffset", "8/24/2026 2:33:00 PM +02:00", "2026-08-24T14:33:00+02:00"),
        ("dateTimeOffset", "2017-03-14T00:00:00", "2017-03-14T00:00:00"),
        ("guid", "CE759201F786D590BF2134BFF576C369", "CE759201F786D590BF2134BFF576C369"),
        ("guid", "ce759201-f786-d590-bf21-34bff576c369", "ce759201-f786-d590-bf21-34bff576c369"),
    ],
)
def test_a_value_takes_the_type_of_its_column(data_type: str, text: str, expected: object) -> None:
    """The JSON has the type that model.json gives the column, and none of the value is lost."""
    value = CONVERTERS[data_type](text)

    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("data_type", "text"),
    [
        *(
            ("int64", text)
            for text in (
                "12.0",
                "1,23",
                "1234,567",
                "0,123",
                "1,234,",
                "1_000",
                "9007199254740993",
                "-9223372036854775808",
                "1E5",
                "0x1F",
                "١٢",
                "9" * 5000,
            )
        ),
        *(
            ("double", text)
            for text in (
                "nan",
                "Infinity",
                "1e999",
                "1e-400",
                "1E+20",
                "9007199254740993",
                "12345678901234567890",
                "0.1234567890123456789",
                "\u0661",
                "1 000",
                "1,5",
                "0,123",
                "1,2345",
                "1.5,000",
                "1_0.5",
                "0x10",
                "five",
            )
        ),
        *(
            ("decimal", text)
            for text in (
                "12345678901234567.89",
                "12,345,678,901,234,567.89",
                "1e-400",
                f"1e-{'9' * 30}",
                "NaN",
            )
        ),
        *(("boolean", text) for text in ("1", "0", "yes", "Truth")),
        *(("date", text) for text in ("2/30/2020", "24/8/2026", "5/8/86", "2026-08-24T14:33:00", "soon")),
        *(("time", text) for text in ("24:00", "25:00", "14:33 PM", "0:33 PM", "12", "14:60")),
        *(
            ("dateTime", text)
            for text in ("2020-02-30", "20200101", "2020-W01-1", "2020-01-01T24:00:00", "1/1/2020 24:00")
        ),
        *(
            ("dateTimeOffset", text)
            for text in ("2017-03-14T00:00:00+25:00", "2017-03-14T00:00:00,5Z", "14.03.2017", "0000-01-01")
        ),
        *(("guid", text) for text in ("ce759201", "ce759201-f786d590bf2134bff576c369", "g" * 32)),
        *(("json", text) for text in JSONS),
    ],
)
def test_what_does_not_fit_is_told_apart(data_type: str, text: str) -> None:
    """A value of another type, or one whose digits a JSON number loses, is no value of this type."""
    assert not fits(data_type, text)


@pytest.mark.parametrize("text", ['["a", 1]', '{"a": {"b": null}}', "[12.50, 1E5]", '"é"', "true"])
def test_json_keeps_its_type_and_its_digits(text: str) -> None:
    """Lists and objects stay what they are, and numbers as they are written."""
    assert orjson.dumps([CONVERTERS["json"](text)]).decode() == f"[{text}]"


@pytest.mark.parametrize("text", ["null", '""', '"  "', '"\\u00a0"', '"\\u200b\\u200d"', '"\u200b"'])
def test_a_json_null_or_blank_text_is_blank(text: str) -> None:
    """Klaviyo must never be sent a null or "" as a value."""
    assert CONVERTERS["json"](text) is None


@given(st.sampled_from(sorted(CONVERTERS)), st.text())
def test_any_text_fits_or_does_not(data_type: str, text: str) -> None:
    """Whatever a cell holds, a converter returns or says that it does not fit, and nothing else."""
    assert not fits(data_type, text) or orjson.dumps(CONVERTERS[data_type](text))


@given(
    st.sampled_from(["int64", "double", "decimal"]),
    st.decimals(allow_nan=False, allow_infinity=False)
    | st.integers().map(Decimal)
    | st.floats(0, 1).map(Decimal),
    st.sampled_from(["{}", "{:f}", "{:,f}", "{:e}"]),
)
def test_a_number_is_the_one_that_the_row_says(data_type: str, number: Decimal, form: str) -> None:
    """Whatever its digits and spelling, a number reads back from a double as it was, or does not fit."""
    text = form.format(number)

    if fits(data_type, text):
        assert Decimal(repr(float(CONVERTERS[data_type](text)))) == number
