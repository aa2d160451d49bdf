"""Reads the first sheet of a workbook as CSV: .xlsx, .xlsb, .xls and .ods."""

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from shared.errors import InvalidSegment

# How zip archives and Microsoft's older container begin. No CSV file does.
MAGIC = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_ROWS_AT_ONCE = 1_000

type Cell = str | float | bool | datetime | date | time | timedelta


class Sheet:
    """The first sheet of a workbook, which is held in memory.

    A cell is what the workbook stores, not what Excel shows: a number without its format, a date in ISO 8601.
    Raises InvalidSegment for what is not a workbook, or is protected by a password.
    """

    def __init__(self, content: bytes, name: str) -> None:
        # Loads a library of its own, for those who send a workbook.
        import python_calamine as calamine

        try:
            book = calamine.load_workbook(io.BytesIO(content))
            self._sheet = book.get_sheet_by_index(0)
        except calamine.PasswordError:
            raise _invalid(name, "is protected by a password. Save a copy without one") from None
        except (calamine.CalamineError, calamine.ZipError, calamine.XmlError, IndexError, OSError):
            raise _invalid(
                name, "is neither CSV nor a workbook that can be read. Save it as CSV UTF-8"
            ) from None
        self.others = len(book.sheet_names) - 1
        self.name = book.sheet_names[0]
        # Blank rows above it are left out.
        self.first_row = (self._sheet.start or (0, 0))[0]

    def csv(self) -> Iterator[bytes]:
        """The sheet's rows, from the top, in UTF-8, with commas."""
        text = io.StringIO()
        writer = csv.writer(text)
        for number, row in enumerate(self._sheet.iter_rows(), start=1):
            writer.writerow(map(_text, row))
            if number % _ROWS_AT_ONCE == 0:
                yield text.getvalue().encode()
                text.seek(0)
                text.truncate()
        yield text.getvalue().encode()


def _text(cell: Cell) -> str:
    match cell:
        case bool():
            return str(cell)
        case float() if cell.is_integer():
            return str(int(cell))
        case datetime():
            return cell.isoformat(" ", "seconds")
        case date() | time():
            return cell.isoformat()
        case _:
            return str(cell)


def _invalid(name: str, problem: str) -> InvalidSegment:
    return InvalidSegment(f"{name} {problem}.", code="invalid_csv")
