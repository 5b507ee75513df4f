"""The rows of a data file (CSV, or a JSON array), and one worker's part of them. Pure.

A part holds the very text of its rows, quoting and number formats included.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass

from portal.core.errors import Problem, ScriptInvalid
from portal.core.split import Segment


@dataclass(frozen=True, slots=True)
class Rows:
    """A file's rows as text, and what stands before, between and after them."""

    rows: tuple[str, ...]
    before: str = ""
    between: str = "\n"
    after: str = "\n"

    def part(self, segment: Segment) -> bytes:
        return (self.before + self.between.join(segment.rows(self.rows)) + self.after).encode()


def read_rows(path: str, data: bytes, *, header: bool, delimiter: str = ",") -> Rows:
    """Raises ScriptInvalid for a file that has no rows to tell apart."""
    text = data.decode("utf-8-sig", "replace")
    try:
        if path.endswith(".json"):
            return Rows(tuple(_json_rows(text)), "[", ",\n", "]\n")
        rows = tuple(_csv_rows(text, delimiter))
    except (ValueError, RecursionError, csv.Error) as error:
        hint = "Data files are CSV, or JSON with one array."
        raise ScriptInvalid((Problem("script", f"{path} cannot be divided: {error}.", hint),)) from error
    return Rows(rows[1:], rows[0] + "\n") if header and rows else Rows(rows)


def _csv_rows(text: str, delimiter: str) -> Iterator[str]:
    """A quoted field may go over several lines; empty lines are no rows."""
    lines = list(io.StringIO(text, newline=""))
    reader, begin = csv.reader(lines, delimiter=delimiter), 0
    for row in reader:
        raw, begin = "".join(lines[begin : reader.line_num]), reader.line_num
        if row:
            yield raw.rstrip("\r\n")


def _json_rows(text: str) -> Iterator[str]:
    """The elements of the one array, as they are written."""
    decoder = json.JSONDecoder()
    if not isinstance(json.loads(text), list):
        raise ValueError("it is not an array")
    at = _skip(text, text.index("[") + 1)
    while text[at] != "]":
        _, end = decoder.raw_decode(text, at)
        yield text[at:end]
        at = _skip(text, end)


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n,":
        at += 1
    return at
