"""Decisions about columns that may identify a patient, as ``[privacy]`` of spora.toml says them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

from spora_build.model.names import snake_case


@dataclass(frozen=True)
class Drop:
    """``"drop"``: the column does not enter the dataset."""


@dataclass(frozen=True)
class Cap:
    """``{ cap = 89 }``: larger numbers become this one."""

    at: float


@dataclass(frozen=True)
class Bin:
    """``{ bin = [0, 40, 60, 80] }``: numbers become the class they fall in."""

    edges: tuple[float, ...]
    """Strictly ascending, at least two."""


@dataclass(frozen=True)
class DaysSince:
    """``{ days_since = "diagnosis_date" }``: a date becomes days after the date in another column."""

    column: str
    """Column of the same table, as snake_case."""


@dataclass(frozen=True)
class Hash:
    """``{ hash = true }``: values become pseudonyms under the dataset's key."""


@dataclass(frozen=True)
class Allow:
    """``{ allow = "who", on = 2026-01-31 }``: a person has looked at the column and takes it as it is."""

    who: str
    on: datetime.date


ColumnAction = Drop | Cap | Bin | DaysSince | Hash | Allow


@dataclass(frozen=True)
class Privacy:
    """``[privacy]``: decisions about what may identify a patient."""

    min_k: int | None = None
    """Smallest number of patients that may share a combination of values. None: reported, never refused."""
    columns: Mapping[str, ColumnAction] = field(default_factory=dict)
    """``"<table>.<column>"`` to its action: ``clinical.age``, ``tissues.note``; column as snake_case."""

    def action(self, table: str, column: str) -> ColumnAction | None:
        """What was decided about a column, whatever its spelling; None where nothing was."""
        return self.columns.get(f"{table}.{snake_case(column)}")
