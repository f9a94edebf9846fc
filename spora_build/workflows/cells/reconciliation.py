"""What masks and table of cells have in common, by tissue: ``cells/reconciliation.csv`` of the private folder."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from spora_build.store.atomic import write_beside
from spora_build.store.layout import Layout
from spora_build.store.ledger import Ledger
from spora_build.workflows.cells.jobs import Reconciliation

COUNTS = ("in_mask_and_table", "only_in_mask", "only_in_table")


def reconciliation_file(layout: Layout) -> Path:
    """Where the table is."""
    return layout.private / "cells" / "reconciliation.csv"


def count_key(tissue_id: str) -> str:
    """Under which the ledger remembers the three counts of a tissue."""
    return f"cells-counts/{tissue_id}"


def write_reconciliation(layout: Layout, ledger: Ledger, tissues: Sequence[str]) -> None:
    """Write the counts of these tissues, as far as they are known."""
    counts = {tissue: ledger.entries.get(count_key(tissue)) for tissue in tissues}
    with (
        write_beside(reconciliation_file(layout)) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["tissue_id", *COUNTS])
        writer.writerows([tissue, *told.split()] for tissue, told in counts.items() if told is not None)


def read_reconciliation(layout: Layout) -> list[Reconciliation]:
    """The counts of every tissue; empty where no cells were ever reconciled."""
    path = reconciliation_file(layout)
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [Reconciliation(row["tissue_id"], *(int(row[name]) for name in COUNTS)) for row in csv.DictReader(file)]
