"""Find the dataset that a stage works on, as git finds its repository."""

from __future__ import annotations

from pathlib import Path

from spora_build.errors import Place, Problem, UsageError
from spora_build.store.layout import Layout


def is_dataset(folder: Path) -> bool:
    """Whether the folder is the root of a dataset."""
    return (folder / "metadata" / "tissues.parquet").is_file()


def find_dataset(start: Path) -> Layout:
    """The dataset at ``start``, around it, or the only one directly below it. Raises UsageError."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if is_dataset(folder):
            return Layout(folder)
    entries = sorted(start.iterdir()) if start.is_dir() else []
    below = [folder for folder in entries if folder.is_dir() and is_dataset(folder)]
    if len(below) == 1:
        return Layout(below[0])
    if below:
        names = ", ".join(folder.name for folder in below)
        raise UsageError(
            Problem("E-USE-002", f"there are several datasets here: {names}.", "say which with --dataset <folder>.")
        )
    raise UsageError(
        Problem(
            "E-USE-001",
            "there is no dataset here (no metadata/tissues.parquet).",
            "go into the dataset's folder, or give it with --dataset <folder>.",
            Place(file=start.name),
        )
    )


def find_dataset_or_remains(start: Path) -> Layout:
    """As :func:`find_dataset`, and also a folder that lost its table of tissues but not its private folder beside it.

    Raises UsageError.
    """
    try:
        return find_dataset(start)
    except UsageError:
        around = [start.resolve(), *start.resolve().parents]
        below = sorted(folder for folder in start.resolve().iterdir() if folder.is_dir()) if start.is_dir() else []
        remains = [folder for folder in (*around, *below) if Layout(folder).private.is_dir()]
        if len(remains) == 1:
            return Layout(remains[0])
        raise
