"""Reads the first visible sheet of a workbook as CSV: .xlsx, .xlsb, .xls and .ods."""

import csv
import io
from array import array
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from shared.errors import InvalidSegment

# How zip archives and Microsoft's older container begin. No CSV file does.
MAGIC = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_ROWS_AT_ONCE = 1_000

type Cell = str | float | bool | datetime | date | time | timedelta


class Sheet:
    """The first visible sheet with cells of a workbook, which is held in memory.

    A cell is what the workbook stores, not what Excel shows: a number without its format, a date in ISO 8601.
    Blank rows are left out; `rows` are the numbers of the others in the sheet, from 1. Raises InvalidSegment
    for a file that is not a workbook or has no such sheet, or is protected by a password.
    """

    def __init__(self, content: bytes, name: str) -> None:
        # Loads a library of its own, for those who send a workbook.
        import python_calamine as calamine

        try:
            book = calamine.load_workbook(io.BytesIO(content))
            visible = [
                sheet.name
                for sheet in book.sheets_metadata
                if sheet.visible == calamine.SheetVisibleEnum.Visible
                and sheet.typ == calamine.SheetTypeEnum.WorkSheet
            ]
            sheets = (book.get_sheet_by_name(each) for each in visible)
            found = next((sheet for sheet in sheets if sheet.start is not None), None)
        except calamine.PasswordError:
            raise _invalid(name, "is protected by a password. Save a copy without one") from None
        except (calamine.CalamineError, calamine.ZipError, calamine.XmlError, OSError):
            raise _invalid(
                name, "is neither CSV nor a workbook that can be read. Save it as CSV UTF-8"
            ) from None
        if found is None:
            raise _invalid(name, "has no visible sheet with cells")
        if any(last[0] > first[0] for first, last in found.merged_cell_ranges or ()):
            raise _invalid(name, "has cells merged over several rows. Unmerge them, and fill in each row")
        self._sheet = found
        self.name = found.name
        self.is_first = found.name == book.sheet_names[0]
        self.others = len(book.sheet_names) - 1
        self.rows = array("I")

    def csv(self) -> Iterator[bytes]:
        """The sheet's rows, from the top, in UTF-8, with commas."""
        text = io.StringIO()
        writer = csv.writer(text)
        for number, row in enumerate(self._sheet.iter_rows(), start=1):
            cells = list(map(_text, row))
            if not any(map(str.strip, cells)):
                continue
            self.rows.append(number)
            writer.writerow(cells)
            if len(self.rows) % _ROWS_AT_ONCE == 0:
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
