"""``cells.csv`` or ``cells.parquet``: what is known about each cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

CellsKey = Literal["image", "tissue"]


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

    def read(self) -> pd.DataFrame:
        """All cells of known images in file order: the key column, ``cell_id`` (int64), annotations (text or None)."""
        raise NotImplementedError
