"""What is known about each cell: ``cells.csv`` or ``.parquet``, or other programs' tables that spora.toml names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import Problem, Severity
from spora_build.submission.cell_headers import CellsKey, Centroids, Unit, find_centroids, find_image, find_label
from spora_build.submission.cells_check import CellKeys, CellsCheck, labels_of
from spora_build.submission.columns import CONTRACT_NAMES, SHEET_NAMES, Columns, fold, naming_hint, sort_columns
from spora_build.submission.image_names import ImageNames, stem
from spora_build.submission.problems import problem
from spora_build.submission.sheet import find_sheet
from spora_build.submission.tissues import ImageRow

if TYPE_CHECKING:
    import pandas as pd

    from spora_build.submission.cells_source import CellsSource

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".h5ad")
KNOWN = ("cell_id", "image", "tissue")


@dataclass(frozen=True)
class CellsFile:
    """One file of a table, and where its columns are."""

    file: str
    path: Path = field(repr=False)
    of: str | None
    """Key of all its cells, where the file's name says it; None where a column does."""
    known: Mapping[str, int]
    """Position of the key and of ``cell_id``, where there are such columns."""
    others: Mapping[str, int]
    """Position of every other column, by snake_case name."""
    centroids: Centroids | None


@dataclass(frozen=True)
class CellsTable:
    """A checked table of cells that stays on disk until asked for."""

    file: str
    """The file or pattern, for messages."""
    parts: tuple[CellsFile, ...] = field(repr=False)
    key: CellsKey
    columns: tuple[str, ...]
    """Annotation columns as snake_case, without key and cell_id."""
    counts: Mapping[str, int] = field(repr=False)
    """Number of cells by key value (as in tissues.csv); values that tissues.csv lacks are left out."""
    has_labels: bool = True
    """Whether cells have labels; where not, each is found by the place of its centre."""
    unit: Unit | None = None
    """Of the centres, where there are such columns."""

    def batches(self) -> Iterator[pd.DataFrame]:
        """Cells of known images in file order, some megabytes at a time.

        Columns: the key (text), ``cell_id`` (int64; 0 without labels), then ``columns`` (object: text, or None where
        missing); with ``unit`` also ``_row`` and ``_col`` (float64, NaN where missing): the centre.
        """
        import pandas as pd

        codes_of = _Codes(self.key, tuple(self.counts))
        names = np.array([*self.counts], dtype=object)
        for part in self.parts:
            for piece in _open(part.path, part.file).pieces():
                codes = codes_of(part, piece.texts)
                labels = labels_of(piece.texts.column(part.known["cell_id"])) if self.has_labels else None
                good = codes >= 0 if labels is None else (codes >= 0) & (labels > 0)
                cell_id = np.zeros(len(codes), np.int64) if labels is None else labels
                data: dict[str, Any] = {self.key: pd.Series(names[codes[good]], dtype=object), "cell_id": cell_id[good]}
                for name in self.columns:
                    data[name] = pd.Series(_column(piece.texts, part.others.get(name))[good], dtype=object)
                if self.unit is not None:
                    data["_row"], data["_col"] = (values[good] for values in _centres(part, piece.texts))
                yield pd.DataFrame(data)

    def read(self) -> pd.DataFrame:
        """All of :meth:`batches` in one table."""
        import pandas as pd

        parts = list(self.batches())
        if not parts:
            return pd.DataFrame(columns=[self.key, "cell_id", *self.columns])
        return pd.concat(parts, ignore_index=True)


class _Codes:
    """Position of each row's key among the keys of a table."""

    def __init__(self, key: CellsKey, names: Sequence[str]) -> None:
        self._keys = CellKeys(key, names)

    def __call__(self, part: CellsFile, texts: Any) -> NDArray[np.int64]:
        if part.of is not None:
            return np.full(texts.num_rows, self._keys.code(part.of), np.int64)
        return self._keys.codes(texts.column(part.known[self._keys.key]))


def read_cells(
    root: Path, images: Sequence[ImageRow], pattern: str | None = None
) -> tuple[CellsTable | None, list[Problem]]:
    """The table of cells of a raw folder and every problem in it; None where there is none or it is unusable.

    ``pattern`` names the files in place of ``cells.csv``. Reads each file once from end to end, in bounded memory but
    for some 40 bytes per cell.
    """
    if pattern is None:
        path, problems = find_sheet(root, "cells", (".csv", ".tsv", ".parquet"))
        if path is None:
            return None, problems
        paths, shown = [path], path.relative_to(root).as_posix()
    else:
        paths, shown = _matching(root, pattern), pattern
        problems = [] if paths else [problem("E-CELL-012", "spora.toml", None, "cells.table", pattern)]
    parts: list[CellsFile] = []
    keys: CellsKey | None = None
    for path in paths:
        part, key, found = _read_header(path, path.relative_to(root).as_posix(), images, named=pattern is not None)
        problems += found
        if part is not None and keys in (None, key):
            parts.append(part)
            keys = key
        elif part is not None:
            problems.append(problem("E-CELL-013", part.file))
    if keys is None or len(parts) < len(paths):
        return None, problems
    labelled = [part for part in parts if "cell_id" in part.known]
    if labelled and len(labelled) < len(parts):
        strange = next(part for part in parts if part not in labelled)
        return None, [*problems, problem("E-CELL-002", strange.file, hint="")]
    check = CellsCheck(shown, CellKeys.of_images(keys, images), images)
    for part in parts:
        problems += _check_rows(part, check)
    problems += check.finish(broken=any(p.severity is Severity.ERROR for p in problems))
    columns = tuple(dict.fromkeys(name for part in parts for name in part.others))
    units = {part.centroids.unit if part.centroids else None for part in parts}
    unit = units.pop() if len(units) == 1 else None
    return CellsTable(shown, tuple(parts), keys, columns, check.counts(), bool(labelled), unit), problems


def _matching(root: Path, pattern: str) -> list[Path]:
    """Files below the raw folder; a folder means all tables in it."""
    if pattern.startswith(("/", "~")) or ".." in Path(pattern).parts:
        return []
    if (root / pattern).is_dir():
        pattern = f"{pattern.rstrip('/')}/*"
    return sorted(path for path in root.glob(pattern) if _is_wanted(path, root))


def _is_wanted(path: Path, root: Path) -> bool:
    return path.is_file() and path.suffix.lower() in SUFFIXES and path.resolve().is_relative_to(root.resolve())


def _read_header(
    path: Path, file: str, images: Sequence[ImageRow], *, named: bool
) -> tuple[CellsFile | None, CellsKey | None, list[Problem]]:
    """The columns of one file; in those that spora.toml names, key and label may be called as other programs do."""
    source = _open(path, file)
    if not source.headers:
        return None, None, list(source.problems)
    names = ImageNames.of(image.image for image in images)
    columns = sort_columns(source.as_sheet(), KNOWN, reserved=CONTRACT_NAMES | SHEET_NAMES)
    aliases = _aliases(source, columns, names) if named else {}
    if aliases:
        columns = sort_columns(source.as_sheet(), KNOWN, aliases=aliases, reserved=CONTRACT_NAMES | SHEET_NAMES)
    key: CellsKey | None = next((name for name in ("tissue", "image") if name in columns.known), None)
    of = None if key is not None or not named else names.find(stem(file))
    if of is not None:
        key = "image"
    centroids = find_centroids(source.headers)
    known, others = dict(columns.known), dict(columns.others)
    if "cell_id" not in known and centroids is not None and named:
        centre = {source.headers.index(centroids.row), source.headers.index(centroids.col)}
        others = {name: at for name, at in others.items() if at not in centre}
    problems = []
    if key is None:
        problems.append(problem("E-CELL-001", file, source.header_row, hint=naming_hint(columns, "image")))
    if "cell_id" not in known and (centroids is None or not named):
        problems.append(problem("E-CELL-002", file, source.header_row, hint=naming_hint(columns, "cell_id")))
    if problems:
        return None, None, [*problems, *source.problems]
    return CellsFile(file, path, of, known, others, centroids), key, list(columns.problems)


def _aliases(source: CellsSource, columns: Columns, names: ImageNames) -> dict[str, str]:
    """Folded headers that mean what no column is called."""
    headers = [source.headers[at] for at in columns.others.values()]
    first = next(source.peek(), None)
    if first is None:
        return {}
    found: dict[str, str] = {}
    if "cell_id" not in columns.known:
        label = find_label(headers, first.texts.column)
        found |= {fold(label): "cell_id"} if label is not None else {}
    if not {"image", "tissue"} & set(columns.known):
        image = find_image(headers, first.texts.column, names)
        found |= {fold(image): "image"} if image is not None else {}
    return found


def _check_rows(part: CellsFile, check: CellsCheck) -> list[Problem]:
    source = _open(part.path, part.file)
    codes_of = check.keys
    for piece in source.pieces():
        key_column = None if part.of is not None else piece.texts.column(part.known[codes_of.key])
        codes = (
            np.full(piece.texts.num_rows, codes_of.code(part.of), np.int64)
            if part.of is not None
            else codes_of.codes(key_column)
        )
        label_column = piece.texts.column(part.known["cell_id"]) if "cell_id" in part.known else None
        check.add(part.file, piece.numbers, codes, key_column, label_column)
    return list(source.problems)


def _open(path: Path, file: str) -> CellsSource:
    from spora_build.submission.cells_source import CellsSource

    source = CellsSource(path, file)
    source.read_header()
    return source


def _column(texts: Any, position: int | None) -> NDArray[Any]:
    if position is None:
        return np.full(texts.num_rows, None, dtype=object)
    column: NDArray[Any] = texts.column(position).to_numpy()
    return column


def _centres(part: CellsFile, texts: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows and columns as numbers, NaN where the text is none; a decimal comma is a point."""
    import pandas as pd

    assert part.centroids is not None
    rows, cols = (
        pd.to_numeric(pd.Series(texts.column(header).to_pylist(), dtype=object).str.replace(",", "."), errors="coerce")
        for header in (part.centroids.row, part.centroids.col)
    )
    return rows.to_numpy(np.float64), cols.to_numpy(np.float64)
