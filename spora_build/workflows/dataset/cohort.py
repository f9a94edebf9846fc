"""Who belongs to a dataset on disk."""

from __future__ import annotations

from math import isnan

from spora_build.model.modality import Modality
from spora_build.store.layout import Layout
from spora_build.store.pandas_schema import index_field
from spora_build.store.tables import read_table


def tissue_ids(layout: Layout) -> frozenset[str]:
    """Tissue ids of tissues.parquet, whether a column or (in hand-made datasets) the index. Raises InvalidDataError."""
    table = read_table(layout.tissues_table)
    name = "tissue_id" if "tissue_id" in table.column_names else index_field(table)
    return frozenset() if name is None else frozenset(str(tissue) for tissue in table[name].to_pylist())


def native_mpps(layout: Layout, modality: Modality) -> tuple[float, ...]:
    """Native pixel sizes of a modality as tissues.parquet has them, ascending; else the finest one it is stored at."""
    table = read_table(layout.tissues_table)
    if "mpp" in table.column_names:
        rows = zip(table["modality"].to_pylist(), table["mpp"].to_pylist(), strict=True)
        told = {float(mpp) for name, mpp in rows if name == modality.name and mpp is not None and not isnan(mpp)}
        if told:
            return tuple(sorted(told))
    return tuple(layout.find_resolutions(modality)[:1])
