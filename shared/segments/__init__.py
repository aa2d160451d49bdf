"""Segments: discovery finds a segment's newest snapshot, csv reads its files as rows."""

from shared.segments.csv.rows import (
    Row,
    Survey,
    lines_of_rows,
    most_rows,
    read_delimiter,
    read_header,
    read_rows,
    survey_rows,
)
from shared.segments.discovery.segments import Segments
from shared.segments.discovery.view import SegmentsView
from shared.segments.snapshot import Column, CsvFormat, Partition, Snapshot

__all__ = [
    "Column",
    "CsvFormat",
    "Partition",
    "Row",
    "Segments",
    "SegmentsView",
    "Snapshot",
    "Survey",
    "lines_of_rows",
    "most_rows",
    "read_delimiter",
    "read_header",
    "read_rows",
    "survey_rows",
]
