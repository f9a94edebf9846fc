"""How tests break a dataset: one change, and the code of the rule that must see it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Corruption:
    """One way to break the clean dataset."""

    code: str
    what: str
    apply: Callable[[Path], object]

    def __str__(self) -> str:
        return f"{self.code} {self.what}"


def table(path: str, change: Callable[[pd.DataFrame], pd.DataFrame | None], *, index: bool | None = None) -> Any:
    """Change a table; a change in place may return None."""

    def apply(root: Path) -> None:
        before = pd.read_parquet(root / path)
        changed = change(before)
        after = before if changed is None else changed
        keep = bool(after.index.name) if index is None else index
        after.to_parquet(root / path, index=keep)

    return apply


def column(path: str, name: str, values: Any) -> Any:
    """Replace a column (a list, a value or a function of the old one)."""

    def change(frame: pd.DataFrame) -> None:
        frame[name] = values(frame[name]) if callable(values) else values

    return table(path, change)


def cell(path: str, row: int, name: str, value: Any) -> Any:
    """Replace one value."""

    def change(frame: pd.DataFrame) -> None:
        values = frame[name].tolist()
        values[row] = value
        frame[name] = values

    return table(path, change)


def metadata(path: str, change: Callable[[dict[str, Any]], object]) -> Any:
    """Change a zarr.json in place."""

    def apply(root: Path) -> None:
        content = json.loads((root / path).read_text())
        change(content)
        (root / path).write_text(json.dumps(content))

    return apply


def mask(path: str, change: Callable[[NDArray[Any]], NDArray[Any]], key: str = "mask") -> Any:
    """Replace a mask."""

    def apply(root: Path) -> None:
        with np.load(root / path) as archive:
            before = archive["mask"]
        np.savez_compressed(root / path, **{key: change(before)})

    return apply


def rename(old: str, new: str) -> Any:
    """Rename a file or folder."""

    def apply(root: Path) -> None:
        (root / new).parent.mkdir(parents=True, exist_ok=True)
        (root / old).rename(root / new)

    return apply


def write(path: str, content: bytes = b"stray") -> Any:
    """Write a file, a foreign one or over one that is there."""

    def apply(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)

    return apply


def delete(*paths: str) -> Any:
    """Delete files or folders."""

    def apply(root: Path) -> None:
        import shutil

        for path in paths:
            target = root / path
            shutil.rmtree(target) if target.is_dir() else target.unlink()

    return apply
