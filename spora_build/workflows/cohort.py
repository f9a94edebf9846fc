"""Who belongs to a dataset on disk."""

from __future__ import annotations

from spora_build.store.layout import Layout
from spora_build.store.tables import read_table


def tissue_ids(layout: Layout) -> frozenset[str]:
    """Tissue ids of tissues.parquet, whether a column or (in hand-made datasets) the index. Raises InvalidDataError."""
    table = read_table(layout.tissues_table)
    ids = table["tissue_id"] if "tissue_id" in table.columns else table.index
    return frozenset(str(tissue) for tissue in ids)
