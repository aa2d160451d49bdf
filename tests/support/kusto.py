"""The little of Kusto's query language that the alerts use, run by SQLite."""

import json
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

COLUMNS = "Name, TimeGenerated, Sum, Max, Properties"
# From Kusto's spelling to SQLite's; a time is in minutes from now.
SPELLINGS = {
    r'"([^"]*)"': r"'\1'",
    r"tostring\(Properties\.(\w+)\)": r"(Properties ->> '\1')",
    r"count\(\)": "count(*)",
    r"sumif\((\w+), (.+)\)$": r"sum(iif(\2, \1, 0))",
    r"arg_max\((\w+), (\w+)\)": r"max(\1), \2",  # SQLite takes the other columns from the row of the maximum
    r"ago\((\d+)m\)": r"-\1",
    r"ago\((\d+)h\)": r"-60 * \1",
}


@dataclass(frozen=True)
class Metric:
    """A row of AppMetrics, as Application Insights writes it."""

    name: str
    value: float
    properties: dict[str, str] = field(default_factory=dict)
    minutes_ago: float = 1


def answer(query: str, metrics: Sequence[Metric], window: float) -> list[dict[str, Any]]:
    """The rows that a query returns over the metrics of the last `window` minutes."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.row_factory = sqlite3.Row
        database.execute(f"CREATE TABLE AppMetrics ({COLUMNS})")
        rows = [
            (metric.name, -metric.minutes_ago, metric.value, metric.value, json.dumps(metric.properties))
            for metric in metrics
            if metric.minutes_ago <= window
        ]
        database.executemany("INSERT INTO AppMetrics VALUES (?, ?, ?, ?, ?)", rows)
        return [dict(row) for row in database.execute(sql(query))]


# What stands in for AppMetrics before the first metric.
EMPTY = ", (datatable(TimeGenerated: datetime, Name: string)[])"


def sql(query: str) -> str:
    """The query in SQLite's language, each step around the one before."""
    table, *steps = re.split(r"\s+\| ", " ".join(query.split()))
    table = table.removeprefix("union isfuzzy=true ").removesuffix(EMPTY)  # here the table is always there
    for step in steps:
        verb, _, rest = step.partition(" ")
        if verb == "where":
            table = f"(SELECT * FROM {table} WHERE {_expression(rest)})"
        elif verb == "summarize":
            values, _, groups = rest.partition(" by ")
            grouping = f" GROUP BY {_expression(groups.partition(' = ')[2])}" if groups else ""
            columns = ", ".join(map(_column, re.split(r", (?=\w+ = )", values) + [groups] * bool(groups)))
            table = f"(SELECT {columns} FROM {table}{grouping})"
        else:
            raise ValueError(f"The alerts did not use {verb} so far.")
    return f"SELECT * FROM {table}"


def _column(text: str) -> str:
    name, named, expression = text.partition(" = ")
    return f"{_expression(expression)} AS {name}" if named else _expression(text)


def _expression(text: str) -> str:
    for kusto, sqlite in SPELLINGS.items():
        text = re.sub(kusto, sqlite, text)
    return text
