"""A parquet table as it lies on disk: its rows, and the types its columns really have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from spora_build.errors import InvalidDataError
from spora_build.store.tables import read_frame


class Kind(StrEnum):
    """What a column holds, whichever pandas wrote it."""

    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    BOOL = "bool"
    NULL = "null"
    OTHER = "other"


@dataclass(frozen=True)
class TableFile:
    """One parquet file of the dataset."""

    path: Path
    place: str
    """Path relative to the dataset."""

    @property
    def exists(self) -> bool:
        """Whether there is such a file."""
        return self.path.is_file()

    @cached_property
    def frame(self) -> pd.DataFrame | None:
        """The rows, with the index that pandas gives them; None where the file is missing or damaged.

        Column names are text. Values that are neither text, numbers nor truth values are turned into text, so that
        any table can be compared and grouped; ``kinds`` tells what they were.
        """
        if not self.exists:
            return None
        try:
            frame = read_frame(self.path)
        except InvalidDataError:
            return None
        frame.columns = [str(name) for name in frame.columns]
        for name in frame.columns:
            if self.kinds.get(name) is Kind.OTHER:
                values = frame[name].astype(object)
                frame[name] = [str(value) if value is not None else None for value in values]
        return frame

    @property
    def rows(self) -> pd.DataFrame:
        """The rows; an empty table where there is none."""
        return self.frame if self.frame is not None else pd.DataFrame()

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """Kind of every column of the file, those of the index among them."""
        import pyarrow.parquet as pq

        try:
            schema = pq.read_schema(self.path)
        except (OSError, ValueError):
            return {}
        return {name: _kind(schema.field(i).type) for i, name in enumerate(schema.names)}

    def has(self, columns: Iterable[str]) -> bool:
        """Whether all these are columns."""
        return set(columns) <= set(self.rows.columns)

    def text(self, column: str) -> pd.Series[Any]:
        """A column as text without its nulls, index 0…n−1 being the row's position; empty where there is none."""
        if column not in self.rows.columns:
            return pd.Series([], dtype=object)
        return self.rows[column].reset_index(drop=True).dropna().astype(str)


def _kind(kind: Any) -> Kind:
    from pyarrow import types

    if types.is_dictionary(kind):
        return _kind(kind.value_type)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return Kind.TEXT
    if types.is_boolean(kind):
        return Kind.BOOL
    if types.is_integer(kind):
        return Kind.INTEGER
    if types.is_floating(kind):
        return Kind.FLOAT
    return Kind.NULL if types.is_null(kind) else Kind.OTHER
