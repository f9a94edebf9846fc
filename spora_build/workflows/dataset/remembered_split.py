"""The split of patients that was drawn before, which later builds keep."""

from __future__ import annotations

import csv
from collections.abc import Mapping

from spora_build.store.atomic import write_beside
from spora_build.store.layout import Layout


def read_split(layout: Layout) -> dict[str, str]:
    """What was decided before, by patient id; empty where nothing was."""
    path = layout.private / "split.csv"
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["patient_id"]: row["split"] for row in csv.DictReader(file)}


def remember_split(layout: Layout, decided: Mapping[str, str]) -> None:
    """Keep the split of each patient id beside the dataset."""
    layout.private.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        write_beside(layout.private / "split.csv") as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["patient_id", "split"])
        writer.writerows(sorted(decided.items()))
