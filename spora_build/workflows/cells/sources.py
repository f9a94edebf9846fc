"""Where the cells of each tissue come from: the raw folder's masks and table, or what the dataset has already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from spora_build.submission.settings_types import Cells
from spora_build.workflows.cells.annotations import write_annotations
from spora_build.workflows.cells.jobs import CellsInput
from spora_build.workflows.planning.cell_columns import CellColumn, CellTask

_HELD_ROWS = 1 << 21
"""Rows held before they are written out by tissue."""


class Annotations(Protocol):
    """A table of cells that is split by tissue."""

    def rows(self) -> Iterator[tuple[str, pa.Table]]:
        """(tissue_id, some of its cells), typed: cell_id and the columns of the plan."""
        ...


@dataclass(frozen=True)
class CellsSource:
    """Everything the stage needs to know that is not in the dataset."""

    masks: Mapping[str, CellsInput] = field(default_factory=dict)
    """By tissue id. Tissues that are not here keep the instance mask they have."""
    annotations: Annotations | None = None
    columns: tuple[CellColumn, ...] = ()
    tasks: tuple[CellTask, ...] = ()
    rules: Cells = field(default_factory=Cells)
    has_labels: bool = True
    """Whether annotations name cells by label; where not, by the place of their centre."""
    unit: Literal["px", "um"] | None = None
    """Of the centres, where annotations have them."""
    reconciles: bool = True
    """Whether the annotations are somebody's own table, whose agreement with the masks is worth telling."""


def by_tissue(tissues: pd.Series[str], cells: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Cells by the tissue of each row, missing where no tissue of the dataset is meant."""
    codes, names = pd.factorize(tissues)  # -1 where missing
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(len(names) + 1))
    for at, name in enumerate(names):
        yield str(name), cells.take(pa.array(order[ends[at] : ends[at + 1]]))


def split_annotations(source: CellsSource, folder: Path) -> dict[str, Path]:
    """One private Parquet file of annotations per tissue; the cells come in any order and in flat memory."""
    if source.annotations is None:
        return {}
    held: dict[str, list[pa.Table]] = {}
    spilled: dict[str, list[Path]] = {}
    rows = 0

    def spill() -> None:
        for tissue, tables in held.items():
            path = folder / "pieces" / f"{tissue}.{len(spilled.setdefault(tissue, []))}.parquet"
            write_annotations(path, tables, source.columns)
            spilled[tissue].append(path)
        held.clear()

    for tissue, cells in source.annotations.rows():
        held.setdefault(tissue, []).append(cells)
        rows += cells.num_rows
        if rows >= _HELD_ROWS:
            spill()
            rows = 0
    return _gather(held, spilled, folder, source)


def _gather(
    held: Mapping[str, list[pa.Table]], spilled: Mapping[str, list[Path]], folder: Path, source: CellsSource
) -> dict[str, Path]:
    import pyarrow.parquet as pq

    found = {}
    for tissue in sorted({*held, *spilled}):
        tables = [pq.read_table(path) for path in spilled.get(tissue, [])] + held.get(tissue, [])
        found[tissue] = folder / f"{tissue}.parquet"
        write_annotations(found[tissue], tables, source.columns)
        for path in spilled.get(tissue, []):
            path.unlink()
    return found
