"""Parquet tables, written whole or not at all, the same bytes for the same rows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.store.atomic import write_beside


def write_table(path: Path, table: pd.DataFrame, *, index: bool = False) -> None:
    """Write a table; its index only where the reader expects one (``index=True``)."""
    with write_beside(path) as temporary:
        table.to_parquet(temporary, engine="pyarrow", index=index, compression="zstd")


def read_table(path: Path) -> pd.DataFrame:
    """Read a table. Raises InvalidDataError where it is missing or damaged."""
    try:
        return pd.read_parquet(path, engine="pyarrow")
    except (OSError, ValueError) as error:
        raise InvalidDataError(
            Problem(
                "E-TABLE-001",
                "this table is missing or damaged.",
                "run the stage that writes it again.",
                Place(file=f"{path.parent.name}/{path.name}"),
            )
        ) from error
