"""Tables as CSV (RFC 4180): read and written as streams, with what spreadsheets take for formulas kept harmless.

A spreadsheet runs what begins with one of `= + - @` when somebody opens the file. Such a text is written with an apostrophe
before it, and read without it; a text that begins with apostrophes and one of those gets one more. So what is written is read
as it was.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

CSV = "text/csv"
CHUNK = 64 * 1024
LONGEST_CELL = 2_000
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class NotATable(ValueError):
    """The file as a whole cannot be read: it is no CSV in UTF-8, or its head is not what it should be."""


def guarded(text: str) -> str:
    """Return a cell as no spreadsheet takes it for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """Return a cell as it was before it was `guarded`."""
    return text[1:] if _GUARDED.match(text) else text


def written(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Yield a table as CSV in UTF-8 with the mark that spreadsheets look for, a chunk at a time."""
    chunk = io.StringIO()
    chunk.write("\ufeff")
    writer = csv.writer(chunk)
    writer.writerow(heads)
    for row in rows:
        writer.writerow([guarded(cell) for cell in row])
        if chunk.tell() >= CHUNK:
            yield chunk.getvalue().encode()
            chunk.seek(0)
            chunk.truncate()
    yield chunk.getvalue().encode()


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table: where it is in the file, and its cells by their heads, empty ones as None."""

    number: int
    cells: dict[str, str | None]
    fault: str | None = None


def read(stream: BinaryIO, known: Sequence[str]) -> Iterator[Line]:
    """Yield the rows of a table whose heads are among `known`, in any order; commas or semicolons between them.

    Empty rows, which spreadsheets leave at the end, are passed over. One that has not as many cells as heads, or a cell that
    cannot be, is yielded with its fault.
    :raises NotATable: it is no CSV in UTF-8, or has a head that is unknown, missing or there twice.
    """
    text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
    try:
        rows = _rows(text)
        heads = next(rows, (0, []))[1]
        _require_heads(heads, known)
        for number, cells in rows:
            if any(cell.strip() for cell in cells):
                yield _line(number, heads, cells)
    except UnicodeDecodeError as error:
        raise NotATable("It is not in UTF-8.") from error
    finally:
        text.detach()


def _rows(text: io.TextIOWrapper) -> Iterator[tuple[int, list[str]]]:
    first = text.readline()
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(chain((first,), text), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise NotATable(
            f"It is no CSV: look at line {reader.line_num}, and at quotation marks before it."
        ) from error


def _require_heads(heads: list[str], known: Sequence[str]) -> None:
    if not heads:
        raise NotATable("It is empty.")
    if strange := [head for head in heads if head not in known]:
        raise NotATable(f"Unknown columns: {', '.join(strange)[:200]}. Known: {', '.join(known)}.")
    if len(set(heads)) < len(heads):
        raise NotATable("A column is there twice.")


def _line(number: int, heads: list[str], cells: list[str]) -> Line:
    if len(cells) != len(heads):
        return Line(number, {}, f"{len(cells)} cells where the head has {len(heads)}.")
    if any(len(cell) > LONGEST_CELL or _CONTROL.search(cell) for cell in cells):
        return Line(number, {}, "A cell is too long, or has control characters.")
    stripped = (unguarded(cell).strip() for cell in cells)
    return Line(number, {head: cell or None for head, cell in zip(heads, stripped, strict=True)})
