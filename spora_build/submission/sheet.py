"""A table as its author sees it: text cells, rows counted as a spreadsheet counts them."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spora_build.errors import Problem, Severity
from spora_build.submission.encoding import find_encoding, is_workbook
from spora_build.submission.problems import problem
from spora_build.submission.strange_files import strange_file
from spora_build.submission.values import FORMULA_ERRORS, MISSING, clean_text

MAX_SHEET_MB = 64
MAX_COLUMNS = 20_000
MAX_ROWS = 200_000
_SNIFFED_ROWS, _SNIFFED_CHARACTERS = 50, 1 << 16
_TABLES = (".csv", ".tsv", ".parquet", ".xlsx", ".xls", ".ods")
_DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab"}
_SEP_LINE = re.compile(r"^\ufeff?sep=([,;\t])\r?\n", re.IGNORECASE)
"""First line by which Excel is told the delimiter; a spreadsheet hides it, a text editor shows it as row 1."""


@dataclass(frozen=True)
class SheetRow:
    """One row that is not blank."""

    number: int
    """As a spreadsheet counts: the header is row 1, blank rows count, a cell with line breaks is one row."""
    cells: tuple[str | None, ...]
    """One per header; outer space stripped, None where missing."""


@dataclass(frozen=True)
class Sheet:
    """A whole table and what is wrong with it as a table."""

    file: str
    """Name relative to the raw folder."""
    headers: tuple[str, ...]
    """As written, outer space stripped. Empty where the file cannot be used at all."""
    rows: tuple[SheetRow, ...]
    problems: tuple[Problem, ...]
    header_row: int = 1
    """Row of the header; not 1 below blank rows or a line ``sep=;``."""


def tables_in(folder: Path) -> list[Path]:
    """What in a folder is called as a table is; the thousands of images beside it are not looked at."""
    return [folder / name for name in os.listdir(folder) if name.lower().endswith(_TABLES)]  # noqa: PTH208


def find_sheet(
    root: Path, stem: str, suffixes: tuple[str, ...] = (".csv", ".tsv")
) -> tuple[Path | None, list[Problem]]:
    """The file ``<stem>.csv`` or ``.tsv`` of a folder, in any letter case.

    A problem where there are two of them, or only a workbook.
    """
    called = sorted(path for path in tables_in(root) if path.stem.lower() == stem.lower())
    found = [path for path in called if path.suffix.lower() in suffixes]
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        return found[0], [problem("E-SHEET-010", found[0].name, files=names)]
    if found:
        strange = strange_file(found[0], root, found[0].name)
        return (None, [strange]) if strange else (found[0], [])
    workbooks = [path.name for path in called if path.suffix.lower() in (".xlsx", ".xls", ".ods")]
    return None, [problem("E-SHEET-001", name, name=stem) for name in workbooks[:1]]


def read_sheet(path: Path, root: Path) -> Sheet:
    """Read a CSV or TSV file as text; whatever is wrong with it is in ``problems``, nothing raises.

    The delimiter (comma, semicolon, tab) is the one that gives the header and the first rows the same, largest
    number of columns. Encodings: UTF-8 and UTF-16 with a mark, UTF-8, Windows-1252.
    """
    file = path.relative_to(root).as_posix()
    strange = strange_file(path, root, file)
    text, problems = (None, [strange]) if strange else read_text(path, file)
    if text is not None and _is_too_wide(text):
        text, problems = None, [problem("E-SHEET-021", file, limit=MAX_COLUMNS)]
    if text is None:
        return Sheet(file, (), (), tuple(problems))
    delimiter, text, first_row = sniff_delimiter(text)
    headers: tuple[str, ...] | None = None
    positions: list[int] = []
    rows: list[SheetRow] = []
    try:
        for number, record in _records(text, delimiter, first_row):
            if not any(record):
                continue
            if headers is None:
                headers, header_row = tuple(record), number
                needed = max((index + 1 for index, header in enumerate(headers) if header), default=0)
                positions, found = named_columns(headers, file, header_row)
                problems += found
                continue
            if len(record) < needed or any(record[len(headers) :]):
                name = _DELIMITER_NAMES[delimiter]
                problems.append(
                    problem("E-SHEET-007", file, number, cells=len(record), headers=len(headers), delimiter=name)
                )
                continue
            problems += _nameless(record, headers, file, number, header_row, problems)
            if len(rows) == MAX_ROWS:
                problems.append(problem("E-SHEET-022", file, number, limit=MAX_ROWS))
                break
            cells, found = _cells([record[index] for index in positions], headers, positions, file, number)
            problems += found
            rows.append(SheetRow(number, cells))
    except _BrokenQuoteError as error:
        problems.append(problem("E-SHEET-008", file, error.row))
    if headers is None:
        if not problems:
            problems.append(problem("E-SHEET-002", file))
        return Sheet(file, (), (), tuple(problems))
    if not rows and not any(p.severity is Severity.ERROR for p in problems):
        problems.append(problem("E-SHEET-013", file))
    return Sheet(file, tuple(headers[index] for index in positions), tuple(rows), tuple(problems), header_row)


def read_text(path: Path, file: str) -> tuple[str | None, list[Problem]]:
    """The decoded file with its line ends as they are, or None and why not."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            return None, [problem("E-SHEET-014", file, reason="not a file")]
        if size > MAX_SHEET_MB * 1_000_000:
            return None, [problem("E-SHEET-009", file, limit=MAX_SHEET_MB)]
        if is_workbook(path):
            return None, [problem("E-SHEET-001", file, name=path.stem)]
        encoding, fault = find_encoding(path)
        found = [problem(fault, file)] if fault else []
        if fault and fault.startswith("E"):
            return None, found
        return path.read_bytes().decode(encoding), found
    except OSError as error:
        return None, [problem("E-SHEET-014", file, reason=error.strerror or "unknown")]


def _is_too_wide(text: str) -> bool:
    """Whether a line holds more delimiters than any sheet: one row of millions of cells would fill the memory."""
    if len(text) <= MAX_COLUMNS:
        return False
    return any(line.count(mark) >= MAX_COLUMNS for line in io.StringIO(text) for mark in _DELIMITER_NAMES)


def sniff_delimiter(text: str) -> tuple[str, str, int]:
    """The delimiter, the text without an Excel ``sep=`` line, and the row number of its first line."""
    told = _SEP_LINE.match(text)
    if told:
        return told[1], text[told.end() :], 2
    head = text[:_SNIFFED_CHARACTERS]
    scores: list[tuple[float, int, str]] = []
    for delimiter in _DELIMITER_NAMES:
        widths: list[int] = []
        for record in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter, skipinitialspace=True):
            if any(record):
                widths.append(len(record))
            if len(widths) > _SNIFFED_ROWS:
                break
        if len(head) < len(text):
            widths = widths[:-1] or widths
        if widths and widths[0] > 1:
            scores.append((widths.count(widths[0]) / len(widths), widths[0], delimiter))
    return (max(scores)[2] if scores else ","), text, 1


class _BrokenQuoteError(Exception):
    def __init__(self, row: int) -> None:
        super().__init__(row)
        self.row = row


def _records(text: str, delimiter: str, first_row: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    number = first_row
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _BrokenQuoteError(number) from error
        yield number, [clean_text(cell) for cell in record]
        number += 1


def named_columns(headers: tuple[str, ...], file: str, row: int) -> tuple[list[int], list[Problem]]:
    positions: list[int] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    for index, header in enumerate(headers):
        if header in seen:
            problems.append(problem("E-SHEET-006", file, row, header))
        elif header:
            positions.append(index)
            seen.add(header)
    return positions, problems


def _nameless(
    record: list[str], headers: tuple[str, ...], file: str, row: int, header_row: int, known: list[Problem]
) -> list[Problem]:
    if all(headers):
        return []
    found = [
        problem("E-SHEET-012", file, header_row, number=index + 1, header_row=header_row)
        for index, header in enumerate(headers)
        if not header and index < len(record) and record[index]
    ]
    return [new for new in found if new not in known]


def _cells(
    texts: list[str], headers: tuple[str, ...], positions: list[int], file: str, row: int
) -> tuple[tuple[str | None, ...], list[Problem]]:
    problems = [
        problem("W-SHEET-011", file, row, headers[index], word=text)
        for text, index in zip(texts, positions, strict=True)
        if text in FORMULA_ERRORS
    ]
    return tuple(None if text in MISSING or text in FORMULA_ERRORS else text for text in texts), problems
