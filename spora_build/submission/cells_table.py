"""``cells.csv`` or ``cells.parquet``: what is known about each cell."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import Problem
from spora_build.submission.columns import CONTRACT_NAMES, SHEET_NAMES, naming_hint, sort_columns
from spora_build.submission.problems import problem, rows_text
from spora_build.submission.sheet import find_sheet
from spora_build.submission.tissues import ImageRow

if TYPE_CHECKING:
    import pandas as pd

    from spora_build.submission.cells_source import CellsSource

CellsKey = Literal["image", "tissue"]
MAX_LABEL = 2**32 - 1
"""Largest label of an unsigned 32-bit mask."""
_LABEL = r"^0*[1-9][0-9]{0,9}(\.0+)?$"
_UNKNOWN, _MISSING = -1, -2


@dataclass(frozen=True)
class CellsTable:
    """A checked table of cells that stays on disk until asked for."""

    file: str
    path: Path = field(repr=False)
    key: CellsKey
    columns: tuple[str, ...]
    """Annotation columns as snake_case, without key and cell_id."""
    counts: Mapping[str, int] = field(repr=False)
    """Number of cells by key value (as in tissues.csv); values that tissues.csv lacks are left out."""

    def batches(self) -> Iterator[pd.DataFrame]:
        """Cells of known images in file order, some megabytes at a time.

        Columns: the key (text), ``cell_id`` (int64), then ``columns`` (object: text, or None where missing).
        """
        import pandas as pd

        source = _open(self.path, self.file)
        found = sort_columns(source.as_sheet(), ("cell_id", self.key))
        keys = {value: code for code, value in enumerate(self.counts)}
        names = np.array([*self.counts], dtype=object)
        for piece in source.pieces():
            codes = _codes(piece.texts.column(found.known[self.key]), keys, self.key)
            labels = _labels(piece.texts.column(found.known["cell_id"]))
            good = (codes >= 0) & (labels > 0)
            data: dict[str, Any] = {self.key: pd.Series(names[codes[good]], dtype=object), "cell_id": labels[good]}
            for name in self.columns:
                column = piece.texts.column(found.others[name]).to_numpy()
                data[name] = pd.Series(column[good], dtype=object)
            yield pd.DataFrame(data)

    def read(self) -> pd.DataFrame:
        """All of :meth:`batches` in one table."""
        import pandas as pd

        parts = list(self.batches())
        if not parts:
            return pd.DataFrame(columns=[self.key, "cell_id", *self.columns])
        return pd.concat(parts, ignore_index=True)


def read_cells(root: Path, images: Sequence[ImageRow]) -> tuple[CellsTable | None, list[Problem]]:
    """The table of cells of a raw folder and every problem in it; None where there is none or it is unusable.

    Reads the file once from end to end, in bounded memory but for some 40 bytes per cell.
    """
    path, problems = find_sheet(root, "cells", (".csv", ".tsv", ".parquet"))
    if path is None:
        return None, problems
    source = _open(path, path.relative_to(root).as_posix())
    if not source.headers:
        return None, [*problems, *source.problems]
    columns = sort_columns(source.as_sheet(), ("cell_id", "image", "tissue"), reserved=CONTRACT_NAMES | SHEET_NAMES)
    key: CellsKey | None = next((name for name in ("tissue", "image") if name in columns.known), None)
    if key is None:
        hint = naming_hint(columns, "image")
        problems.append(problem("E-CELL-001", source.file, source.header_row, hint=hint))
    if "cell_id" not in columns.known:
        hint = naming_hint(columns, "cell_id")
        problems.append(problem("E-CELL-002", source.file, source.header_row, hint=hint))
    if key is None or "cell_id" not in columns.known:
        return None, [*problems, *source.problems]
    check = _Check(source, key, images)
    for piece in source.pieces():
        check.add(piece.numbers, piece.texts.column(columns.known[key]), piece.texts.column(columns.known["cell_id"]))
    problems += [*source.problems, *columns.problems, *check.finish()]
    return CellsTable(source.file, path, key, tuple(columns.others), check.counts()), problems


def _open(path: Path, file: str) -> CellsSource:
    from spora_build.submission.cells_source import CellsSource

    source = CellsSource(path, file)
    source.read_header()
    return source


def _key_text(value: str, key: CellsKey) -> str:
    return value.replace("\\", "/").removeprefix("./") if key == "image" else value


def _codes(column: Any, keys: Mapping[str, int], key: CellsKey) -> NDArray[np.int64]:
    """Position of each value among ``keys``; -1 where unknown, -2 where missing."""
    encoded = column.combine_chunks().dictionary_encode()
    known = [keys.get(_key_text(value, key), _UNKNOWN) for value in encoded.dictionary.to_pylist()]
    indices = encoded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
    codes: NDArray[np.int64] = np.array([*known, _MISSING], dtype=np.int64)[indices]
    return codes


def _labels(column: Any) -> NDArray[np.int64]:
    """Labels, 0 where the text is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    valid = pc.fill_null(pc.match_substring_regex(column, _LABEL), False)
    digits = pc.replace_substring_regex(pc.if_else(valid, column, "0"), r"\.0+$", "")
    labels: NDArray[np.int64] = pc.cast(digits, pa.int64()).to_numpy()
    return np.where(labels > MAX_LABEL, 0, labels)


class _Check:
    """Sees all rows once, piece by piece, and keeps eight bytes of each and its number."""

    def __init__(self, source: CellsSource, key: CellsKey, images: Sequence[ImageRow]) -> None:
        self.source, self.key, self.images = source, key, images
        values = [_value(image, key) for image in images]
        self.keys = {value: code for code, value in enumerate(dict.fromkeys(v for v in values if v is not None))}
        self.seen: list[NDArray[np.int64]] = []
        self.numbers: list[NDArray[np.int64]] = []
        self.total = self.unknown = 0
        self.unknown_values: set[str] = set()
        self.faults: defaultdict[str, list[Problem]] = defaultdict(list)

    def add(self, numbers: NDArray[np.int64], key_column: Any, label_column: Any) -> None:
        """Look at some rows."""
        codes, labels = _codes(key_column, self.keys, self.key), _labels(label_column)
        self.total += len(codes)
        self.unknown += int((codes == _UNKNOWN).sum())
        self.unknown_values.update(
            value for value in key_column.unique().to_pylist() if value and _key_text(value, self.key) not in self.keys
        )
        self._report("E-CELL-003", numbers[codes == _MISSING], self.key, name=self.key)
        bad = np.flatnonzero(labels == 0)
        for index in bad[: self._room("E-CELL-004")]:
            text = label_column[int(index)].as_py()
            self._report("E-CELL-004", numbers[[index]], "cell_id", value=text)
        good = (codes >= 0) & (labels > 0)
        self.seen.append(codes[good] << 32 | labels[good])
        self.numbers.append(numbers[good])

    def finish(self) -> list[Problem]:
        """Every problem of the rows seen."""
        file = self.source.file
        if not self.total:
            return [] if any(p.code.startswith("E") for p in self.source.problems) else [problem("E-SHEET-013", file)]
        self._find_repeats()
        problems = [fault for code in sorted(self.faults) for fault in self.faults[code]]
        if not self.images:
            return problems
        counts = self.counts()
        if not counts:
            example = next(iter(self.keys), "core_01") if self.key == "image" else "in its column tissue"
            return [*problems, problem("E-CELL-007", file, name=self.key, example=example)]
        if self.unknown:
            count, total, values = self.unknown, self.total, len(self.unknown_values)
            problems.append(problem("W-CELL-006", file, count=count, total=total, values=values, name=self.key))
        if self.key == "image":
            several = Counter(image.image for image in self.images)
            problems += [problem("E-CELL-008", file, None, "image", name) for name in counts if several[name] > 1]
        without = [image.row for image in self.images if image.cell_mask and _value(image, self.key) not in counts]
        if without:
            problems.append(problem("W-CELL-010", file, count=len(without), rows=rows_text(without)))
        return problems

    def counts(self) -> dict[str, int]:
        """Cells by key value, in the order of tissues.csv."""
        names = list(self.keys)
        codes = np.concatenate([*self.seen, np.empty(0, np.int64)]) >> 32
        found = np.bincount(codes, minlength=len(names))
        return {name: int(count) for name, count in zip(names, found, strict=True) if count}

    def _find_repeats(self) -> None:
        seen, numbers = np.concatenate(self.seen), np.concatenate(self.numbers)
        order = np.argsort(seen, kind="stable")
        same = np.flatnonzero(seen[order][1:] == seen[order][:-1])
        repeats = sorted((int(numbers[order[i + 1]]), int(numbers[order[i]])) for i in same)
        for number, other in repeats[: self._room("E-CELL-005")]:
            self._report("E-CELL-005", np.array([number]), "cell_id", other=other, name=self.key)

    def _room(self, code: str) -> int:
        from spora_build.submission.cells_source import MAX_REPORTED

        return max(0, MAX_REPORTED - len(self.faults[code]))

    def _report(
        self, code: str, numbers: NDArray[np.int64], column: str, value: str | None = None, **facts: object
    ) -> None:
        for number in numbers[: self._room(code)]:
            self.faults[code].append(problem(code, self.source.file, int(number), column, value, **facts))


def _value(image: ImageRow, key: CellsKey) -> str | None:
    return image.image if key == "image" else image.tissue
