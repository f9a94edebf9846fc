"""One violation for all broken rows of a table: a table of a million cells has one message, not a million."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from spora_build.checks.core import Violation
from spora_build.checks.table_file import TableFile


def broken_rows(table: TableFile, wrong: ArrayLike, what: str) -> Iterator[Violation]:
    """A violation with the number of wrong rows and the first of them, none where no row is wrong.

    Rows are told by position, counting from 0, never by content: content may identify a patient.
    """
    positions: NDArray[Any] = np.flatnonzero(np.asarray(wrong, dtype=bool))
    if len(positions):
        rows = "1 row" if len(positions) == 1 else f"{len(positions)} rows, the first"
        yield Violation(table.place, f"{what}: {rows} at position {positions[0]}")


def unlike(values: Iterable[Any], is_good: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Which values are there but not good; nulls are another rule's matter."""
    return np.array([not pd.isna(value) and not is_good(str(value)) for value in values], dtype=bool)


def listed(names: Collection[object], limit: int = 5) -> str:
    """A few names for a message: ``a, b, c and 7 more``."""
    ordered = sorted(str(name) for name in names)
    rest = len(ordered) - limit
    return ", ".join(ordered[:limit]) + (f" and {rest} more" if rest > 0 else "")
