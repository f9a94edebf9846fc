"""Which cells masks and table have in common, as a table on the screen."""

from __future__ import annotations

from spora_build.store.layout import Layout

_MOST_ROWS = 20


def show_cells(layout: Layout) -> None:
    """Print what the last conversion reconciled, tissues that differ first; nothing where no table was given."""
    from rich.table import Table

    from spora_build.cli.console import out
    from spora_build.workflows.cells.reconciliation import COUNTS, read_reconciliation

    rows = read_reconciliation(layout)
    if not any(row.both or row.table_only for row in rows):
        return
    rows.sort(key=lambda row: row.mask_only + row.table_only, reverse=True)
    table = Table("cells", *(name.replace("_", " ") for name in COUNTS), box=None, pad_edge=False, header_style="bold")
    for row in rows[:_MOST_ROWS]:
        table.add_row(row.tissue_id, str(row.both), str(row.mask_only), str(row.table_only))
    rest = rows[_MOST_ROWS:]
    if rest:
        sums = (sum(counts) for counts in zip(*((r.both, r.mask_only, r.table_only) for r in rest), strict=True))
        table.add_row(f"{len(rest)} more", *map(str, sums))
    out.print(table)
