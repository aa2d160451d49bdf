"""`--only-if`: which rows of the files are sent, by what is given or answered."""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Any

import click

from cli.send.guessing import answers_of, consent_columns, contradictions, is_opt_out, looks_like_consent
from cli.send.one_file import CsvFiles
from cli.send.refused import places_of
from cli.terminal.entry import FAILED
from cli.terminal.output import agrees, choose, note, print_line
from shared.catalog import Export
from shared.catalog.export import Condition as OnlyIf
from shared.profiles.columns import look_like_names
from shared.profiles.conditions import test_of
from shared.runs.plan import condition_of
from shared.text import folded, listing

# A condition as an export's document has it: a column, and equals, in, not_equals or is_blank.
type Condition = dict[str, Any]

EVERYBODY, BLANK, FILLED = "everybody", "blank", "filled"
# Values of a column that can be chosen from.
MOST_ANSWERS = 12


def parse_condition(options: Sequence[str], columns: Sequence[str]) -> Condition | None:
    """The condition of options: `Opted In=Yes` (several of one column are its values), `Opted Out=` for a
    blank cell, `Opted In!=No` and `Opted In!=` for another value and for any.

    A column's name may contain `=` and `!`. Raises BadParameter.
    """
    if not options:
        return None
    parts = [_parts(text, {folded(column) for column in columns}) for text in options]
    if len({(column, is_negated) for column, is_negated, _ in parts}) > 1:
        raise _wrong("A condition is on one column.")
    column, is_negated, _ = parts[0]
    values = [value.strip() for _, _, value in parts]
    if len(values) > 1 and (is_negated or "" in values):
        raise _wrong("Only values that must be equal can be several.")
    if not values[0]:
        return {"column": column, "is_blank": not is_negated}
    if is_negated:
        return {"column": column, "not_equals": values[0]}
    return _one_of(column, values)


def _parts(text: str, columns: Collection[str]) -> tuple[str, bool, str]:
    """The column, whether the value is excluded, and the value: cut so that the column is one of these, or
    else at the first `=`."""
    cuts: list[tuple[str, bool, str]] = []
    for at in (at for at, character in enumerate(text) if character == "="):
        left, value = text[:at], text[at + 1 :]
        if left.endswith("!"):
            cuts.append((left[:-1], True, value))
        cuts.append((left, False, value))
    if not cuts or not cuts[0][0]:
        raise _wrong("A condition is COLUMN=VALUE or COLUMN!=VALUE.")
    found = [cut for cut in cuts if folded(cut[0]) in columns]
    if len(found) > 1:
        raise _wrong(f"{text!r} can mean several columns. Rename one of them.")
    return found[0] if found else cuts[0]


def choose_condition(
    files: CsvFiles, given: Condition | None, used: set[str], *, asks: bool
) -> Condition | None:
    """The given condition, or the person's answer about columns that look like consent; None for everybody.

    Points out each such column that it does not use. `used` are the columns that are sent. Raises UsageError
    if no row passes, NotFound for an unknown column.
    """
    columns = consent_columns(files, used) if look_like_names(files.columns) else []
    condition = None
    if given is not None:
        condition = _checked(files, given)
    elif asks and columns:
        condition = _asked(files, columns)
        if condition is None:
            columns = []
    unused = [column for column in columns if condition is None or column != condition["column"]]
    if unused:
        _point_out(unused, asks=asks, is_first=condition is None)
    for column, name in files.partial.items():
        if looks_like_consent(column):
            _go_on(
                f"The column {column!r} of {name} looks like consent, and is not used: other files lack it. "
                "To use it, send the files one after the other.",
                "Send everybody in these files?",
                asks=asks,
            )
    return condition


def check_contradictions(files: CsvFiles, export: Export, *, asks: bool, dry_run: bool) -> None:
    """Stops if people have one row that passes the export's condition and another that does not, unless the
    person who is asked wants them sent. Raises UsageError."""
    if export.only_if is None:
        return
    passes = test_of(condition_of(export.only_if), "")
    count, rows = contradictions(files, export.match.email, files.column(export.only_if.column), passes)
    if not count:
        return
    places = places_of(files, rows)
    where = listing([places.where(each) for each in places.rows], count)
    people = "1 person has" if count == 1 else f"{count:,} people have"
    problem = f"{people} one row that passes the condition and another that does not: {where}."
    if dry_run:
        note(f"Warning: {problem}")
    elif not asks:
        raise click.UsageError(f"{problem} Nothing was sent: remove the rows that are out of date.")
    else:
        _go_on(problem, "Send them, by the row that passes?", asks=True)


def _checked(files: CsvFiles, given: Condition) -> Condition:
    """The condition in the file's own spellings. Shows how many rows pass, and in a terminal other values."""
    column = files.column(given["column"])
    counted = answers_of(files, column)
    condition = {**given, "column": column}
    if wanted := given.get("in") or ([given["equals"]] if "equals" in given else []):
        lower = {value.casefold() for value in wanted}
        spellings = [value for value in counted if value.casefold() in lower]
        condition = _one_of(column, sorted({*wanted, *spellings}))
    passes = _test_of(condition)
    passed = sum(count for value, count in counted.items() if passes(value))
    others = [(value, count) for value, count in counted.most_common() if not passes(value)]
    left, told = sum(count for _, count in others), ""
    if others and len(others) <= MOST_ANSWERS and sys.stderr.isatty():
        told = ": " + ", ".join(f"{value or BLANK!r} ({count:,})" for value, count in others)
    if not passed:
        raise click.UsageError(f"No row passes --only-if: {left:,} have other values in {column!r}{told}.")
    note(f"{passed:,} of {passed + left:,} rows pass --only-if. Others in {column!r}: {left:,}{told}.")
    return condition


def _asked(files: CsvFiles, columns: Sequence[str]) -> Condition | None:
    """The person's choice among the columns, and among the chosen one's values."""
    column = columns[0]
    if len(columns) > 1:
        print_line(_looks(columns))
        column = choose("Which one says who agreed", [*columns, EVERYBODY], None)
        if column == EVERYBODY:
            return None
    spellings: dict[str, list[str]] = defaultdict(list)
    counted: Counter[str] = Counter()
    for value, count in answers_of(files, column).items():
        spellings[value.casefold()].append(value)
        counted[value.casefold()] += count
    blank = counted.pop("", 0)
    choices: dict[str, Condition | None] = {}
    if len(counted) <= MOST_ANSWERS:
        answers = [(spellings[lower], count) for lower, count in counted.most_common()]
        told = [f"{values[0]!r} ({count:,})" for values, count in answers]
        choices |= {values[0]: _one_of(column, sorted(values)) for values, _ in answers}
    else:
        told = [f"{len(counted):,} different values ({counted.total():,})"]
        choices[FILLED] = {"column": column, "is_blank": False}
    if blank:
        told.append(f"blank ({blank:,})")
        choices[_free(BLANK, choices)] = {"column": column, "is_blank": True}
    choices[_free(EVERYBODY, choices)] = None
    print_line(f"The column {column!r} {_kind(column)}: {', '.join(told)}.")
    return choices[choose("Send only rows with", list(choices), None)]


def _free(answer: str, taken: Collection[str]) -> str:
    """The answer, marked if the column has such a value."""
    return f"({answer})" if answer in map(str.casefold, taken) else answer


def _point_out(unused: Sequence[str], *, asks: bool, is_first: bool) -> None:
    if not is_first:
        _go_on(f"{_looks(unused)} It is not used.", "Send people whatever it says?", asks=asks)
        return
    note(f"{_looks(unused)} It is not used: people who said no are sent too.")
    column = unused[0]
    if is_opt_out(column):
        note(f'To leave out people who opted out: --only-if "{column}=" sends rows in which it is blank.')
    else:
        note(f'To send only those who agreed: --only-if "{column}=VALUE".')


def _go_on(problem: str, question: str, *, asks: bool) -> None:
    """Shows a problem; where somebody can be asked, sends only if the person agrees."""
    note(f"Warning: {problem}")
    if asks and not agrees(question):
        print_line("Nothing was sent.")
        raise click.exceptions.Exit(FAILED)


def _looks(columns: Sequence[str]) -> str:
    if len(columns) == 1:
        return f"The column {columns[0]!r} {_kind(columns[0])}."
    return f"The columns {listing(columns)} look like consent."


def _kind(column: str) -> str:
    return "looks like an opt-out" if is_opt_out(column) else "looks like consent"


def _one_of(column: str, values: Sequence[str]) -> Condition:
    return {"column": column, **({"equals": values[0]} if len(values) == 1 else {"in": list(values)})}


def _test_of(condition: Condition) -> Callable[[str], bool]:
    """The test of an export with this condition."""
    return test_of(condition_of(OnlyIf.model_validate_json(json.dumps(condition))), "")


def _wrong(problem: str) -> click.BadParameter:
    return click.BadParameter(problem, param_hint="--only-if")
