"""Which cells masks and table have in common, as a table on the screen."""

from __future__ import annotations

from spora_build.store.layout import Layout

_MOST_ROWS = 20


def show_cells(layout: Layout) -> None:
    """Print what the last conversion reconciled, tissues that differ first; nothing where no table was given."""
    import pandas as pd
    from rich.table import Table

    from spora_build.cli.console import out
    from spora_build.workflows.cells.stage import reconciliation_file

    path = reconciliation_file(layout)
    if not path.exists():
        return
    counts = pd.read_csv(path)
    numbers = [name for name in counts.columns if name != "tissue_id"]
    if not len(counts) or not counts[["in_mask_and_table", "only_in_table"]].to_numpy().any():
        return
    differ = counts[["only_in_mask", "only_in_table"]].sum(axis=1)
    counts = counts.loc[differ.sort_values(ascending=False, kind="stable").index]
    table = Table("cells", *(name.replace("_", " ") for name in numbers), box=None, pad_edge=False, header_style="bold")
    for row in counts.head(_MOST_ROWS).to_dict("records"):
        table.add_row(str(row["tissue_id"]), *(str(row[name]) for name in numbers))
    rest = counts.iloc[_MOST_ROWS:]
    if len(rest):
        table.add_row(f"{len(rest)} more", *(str(rest[name].sum()) for name in numbers))
    out.print(table)
