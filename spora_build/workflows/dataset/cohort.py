"""Who belongs to a dataset on disk."""

from __future__ import annotations

from spora_build.model.modality import Modality
from spora_build.store.layout import Layout
from spora_build.store.tables import read_table


def tissue_ids(layout: Layout) -> frozenset[str]:
    """Tissue ids of tissues.parquet, whether a column or (in hand-made datasets) the index. Raises InvalidDataError."""
    table = read_table(layout.tissues_table)
    ids = table["tissue_id"] if "tissue_id" in table.columns else table.index
    return frozenset(str(tissue) for tissue in ids)


def native_mpps(layout: Layout, modality: Modality) -> tuple[float, ...]:
    """Native pixel sizes of a modality as tissues.parquet has them, ascending; else the finest one it is stored at."""
    table = read_table(layout.tissues_table)
    if "mpp" in table.columns:
        told = table.loc[table["modality"] == modality.name, "mpp"].dropna().unique()
        if len(told):
            return tuple(sorted(float(mpp) for mpp in told))
    return tuple(layout.find_resolutions(modality)[:1])
