"""Columns of cells.parquet: the measured ones, and those that somebody annotated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ORIGINAL = "original_cell_id"
MEASURED = ("area_um2", "centroid_row", "centroid_col")
ColumnKind = Literal["text", "int", "float"]


@dataclass(frozen=True)
class CellColumn:
    """One annotation column of cells.parquet."""

    name: str
    kind: ColumnKind
    categories: tuple[str, ...] | None = None
    """Every value, sorted, where it is a column of categories; None otherwise."""


@dataclass(frozen=True)
class CellTask:
    """An annotation column that becomes a mask."""

    column: str
    names: tuple[str, ...]
    """Name of id 0, 1, 2…; 0 is where there is no cell, or one without annotation."""

    @property
    def dtype(self) -> str:
        """A type that torch takes and that holds every id."""
        return "uint8" if len(self.names) <= 256 else "int32"
