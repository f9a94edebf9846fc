"""Tables of cells read piece by piece, every cell of the table as text."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from spora_build.errors import Problem
from spora_build.submission.encoding import find_encoding, is_workbook
from spora_build.submission.problems import problem
from spora_build.submission.sheet import Sheet, named_columns, sniff_delimiter
from spora_build.submission.values import MISSING, clean_text

MAX_REPORTED = 100
"""Problems of one kind that are reported row by row."""
_BLOCK = 8 << 20
_HEAD = 1 << 20


@dataclass(frozen=True)
class Piece:
    """Some consecutive rows."""

    numbers: NDArray[np.int64]
    """Row of each as a spreadsheet counts: the header is row 1 (in Parquet too, where there is none)."""
    texts: pa.Table
    """One string column per header; outer spaces stripped, null where missing. Rows that are all null are left out."""


@dataclass
class CellsSource:
    """A CSV, TSV, Parquet or AnnData file of cells. ``problems`` grows while pieces are read."""

    path: Path
    file: str
    headers: tuple[str, ...] = ()
    header_row: int = 1
    problems: list[Problem] = field(default_factory=list)
    _width: int = 0
    _positions: tuple[int, ...] = ()
    _delimiter: str = ","
    _encoding: str = "utf-8"

    @property
    def is_parquet(self) -> bool:
        """Whether the file is Parquet, by its name."""
        return self.path.suffix.lower() == ".parquet"

    @property
    def is_anndata(self) -> bool:
        """Whether the file is AnnData, by its name."""
        return self.path.suffix.lower() == ".h5ad"

    def as_sheet(self) -> Sheet:
        """The header as that of a sheet without rows."""
        return Sheet(self.file, self.headers, (), (), self.header_row)

    def read_header(self) -> None:
        """Fill in ``headers``; they stay empty where the file cannot be used, and ``problems`` says why."""
        try:
            if self.is_parquet:
                self._read_parquet_header()
            elif self.is_anndata:
                self.headers = tuple(self._obs().column_names)
            else:
                self._read_text_header()
        except OSError as error:
            self.problems.append(problem("E-SHEET-014", self.file, reason=error.strerror or "unknown"))

    def peek(self) -> Iterator[Piece]:
        """:meth:`pieces` of a look that leaves ``problems`` alone."""
        problems = list(self.problems)
        try:
            yield from self.pieces()
        finally:
            self.problems[:] = problems

    def pieces(self) -> Iterator[Piece]:
        """All rows from the first to the last, in pieces of some megabytes."""
        for numbers, texts in self._pieces():
            columns = [_trimmed(texts.column(header)) for header in self.headers]
            table = pa.table(columns, names=list(self.headers))
            filled = np.zeros(table.num_rows, bool)
            for column in columns:
                filled |= pc.is_valid(column).to_numpy(zero_copy_only=False)
            yield Piece(numbers[filled], table.filter(pa.array(filled)))

    def _pieces(self) -> Iterator[tuple[NDArray[np.int64], pa.Table]]:
        if self.is_anndata:
            obs = self._obs()
            yield np.arange(2, 2 + obs.num_rows, dtype=np.int64), obs
        elif self.is_parquet:
            yield from self._parquet_pieces()
        else:
            yield from self._text_pieces()

    def _obs(self) -> pa.Table:
        from spora_build.submission.anndata_cells import UnreadableAnnDataError, read_obs

        try:
            return read_obs(self.path, self.file)
        except UnreadableAnnDataError:
            self.problems.append(problem("E-CELL-014", self.file))
            return pa.table({})

    def _read_parquet_header(self) -> None:
        try:
            schema = pq.read_schema(self.path)
            _ = schema.names
        except (pa.ArrowException, OSError, UnicodeDecodeError):
            self.problems.append(problem("E-CELL-009", self.file))
            return
        kept: list[str] = []
        for item in schema:
            if item.name.startswith("__index_level_"):
                continue
            kept.append(item.name)
            try:
                pc.cast(pa.array([], item.type), pa.string())
                readable = not pa.types.is_binary(item.type)
            except pa.ArrowException:
                readable = False
            if not readable:
                self.problems.append(problem("E-CELL-011", self.file, None, item.name, type=str(item.type)))
                kept.pop()
        self.headers = tuple(kept)

    def _parquet_pieces(self) -> Iterator[tuple[NDArray[np.int64], pa.Table]]:
        start = 2
        try:
            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches(batch_size=1 << 17, columns=list(self.headers)):
                    columns = [pc.cast(batch.column(name), pa.string()) for name in self.headers]
                    for column in columns:
                        column.validate(full=True)  # a damaged page can decode to text that is no UTF-8
                    numbers = np.arange(start, start + batch.num_rows, dtype=np.int64)
                    start += batch.num_rows
                    yield numbers, pa.table(columns, names=list(self.headers))
        except (pa.ArrowException, OSError, UnicodeDecodeError):  # a damaged page inside a file whose footer is whole
            self.problems.append(problem("E-CELL-009", self.file))

    def _read_text_header(self) -> None:
        if is_workbook(self.path):
            self.problems.append(problem("E-SHEET-001", self.file, name=self.path.stem))
            return
        self._encoding, fault = find_encoding(self.path)
        if fault:
            self.problems.append(problem(fault, self.file))
            if fault.startswith("E"):
                return
        with self.path.open(encoding=self._encoding, newline="") as stream:
            head = stream.read(_HEAD)
        self._delimiter, text, first = sniff_delimiter(head)
        for number, line in enumerate(text.splitlines(), first):  # noqa: B007
            record = next(csv.reader([line], delimiter=self._delimiter, skipinitialspace=True), [])
            headers = tuple(clean_text(cell) for cell in record)
            if any(headers):
                break
        else:
            self.problems.append(problem("E-SHEET-002", self.file))
            return
        positions, found = named_columns(headers, self.file, number)
        self.problems += found
        self._width, self._positions, self.header_row = len(headers), tuple(positions), number
        self.headers = tuple(headers[position] for position in positions)

    def _text_pieces(self) -> Iterator[tuple[NDArray[np.int64], pa.Table]]:
        skipped: list[int] = []

        def skip(row: Any) -> str:
            number = int(row.number)
            skipped.append(number)
            if len(skipped) <= MAX_REPORTED:
                name = {",": "comma", ";": "semicolon", "\t": "tab"}[self._delimiter]
                facts = {"cells": row.actual_columns, "headers": row.expected_columns, "delimiter": name}
                self.problems.append(problem("E-SHEET-007", self.file, number, **facts))
            return "skip"

        names = [str(position) for position in range(self._width)]
        try:
            reader = pacsv.open_csv(
                self.path,
                pacsv.ReadOptions(
                    use_threads=False,
                    block_size=_BLOCK,
                    column_names=names,
                    skip_rows=self.header_row,
                    encoding=self._encoding.removesuffix("-sig"),
                ),
                pacsv.ParseOptions(
                    delimiter=self._delimiter,
                    newlines_in_values=True,
                    ignore_empty_lines=False,
                    invalid_row_handler=skip,
                ),
                pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
            )
            start, used = self.header_row + 1, 0
            for batch in reader:
                numbers = np.arange(start, start + batch.num_rows, dtype=np.int64)
                for number in skipped[used:]:
                    if batch.num_rows and number <= numbers[-1]:
                        numbers[numbers >= number] += 1
                        used += 1
                start = int(numbers[-1]) + 1 if batch.num_rows else start
                columns = [batch.column(str(position)) for position in self._positions]
                yield numbers, pa.table(columns, names=list(self.headers))
        except pa.ArrowInvalid as error:
            if not str(error).startswith(("Empty CSV file", "Could not skip")):  # a header and nothing below it
                self.problems.append(self._broken_row() or problem("E-SHEET-008", self.file))
            return
        broken = self._broken_row() if self._has_odd_quotes() else None
        if broken is not None:
            self.problems.append(broken)

    def _has_odd_quotes(self) -> bool:
        """An unclosed quote makes their number odd; pyarrow takes the rest of the file for one cell without a word."""
        with self.path.open("rb") as stream:
            return sum(piece.count(b'"') for piece in iter(lambda: stream.read(_HEAD), b"")) % 2 == 1

    def _broken_row(self) -> Problem | None:
        """The first row with a quote that is never closed, or without an end; a line is held, never the file."""
        number = 1
        with self.path.open(encoding=self._encoding, newline="") as stream:
            try:
                for _ in csv.reader(_lines(stream), delimiter=self._delimiter, strict=True):
                    number += 1
            except csv.Error:
                return problem("E-SHEET-008", self.file, number)
            except _EndlessLineError:
                return problem("E-SHEET-023", self.file, number, limit=_BLOCK >> 20)
        return None


class _EndlessLineError(Exception):
    """A line that is no row of a table."""


def _lines(stream: TextIO) -> Iterator[str]:
    while line := stream.readline(_BLOCK):
        if len(line) == _BLOCK:
            raise _EndlessLineError
        yield line


def _trimmed(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    text = pc.utf8_trim_whitespace(array)
    missing = pc.is_in(text, value_set=pa.array(sorted(MISSING), pa.string()))
    return pc.if_else(pc.fill_null(missing, True), pa.scalar(None, pa.string()), text)
