"""What a stage refuses before it touches a dataset: tissues that are not there, and outputs that are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from spora_build.errors import Place, Problem, UsageError
from spora_build.workflows.running.existing import Existing


def refuse_unknown(only: Collection[str], known: Collection[str]) -> None:
    """Raises UsageError where ``only`` names a tissue that is not known."""
    unknown = set(only) - set(known)
    if unknown:
        raise UsageError(
            Problem(
                "E-USE-009",
                f"--only names {len(unknown)} tissues that this dataset has no images of.",
                "use tissue ids as metadata/tissues.parquet has them.",
                Place(file="metadata/tissues.parquet", column="tissue_id"),
            )
        )


def refuse_existing(existing: Existing, outputs: Iterable[Path]) -> None:
    """Raises UsageError for Existing.ERROR where one of the outputs stands there already."""
    if existing is not Existing.ERROR:
        return
    for path in outputs:
        if path.exists():
            raise UsageError(
                Problem(
                    "E-USE-004",
                    "this is there already, and would be written.",
                    "use --existing refresh, skip or overwrite.",
                    Place(file=path.name),
                )
            )
