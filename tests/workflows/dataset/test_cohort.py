"""What tables that others wrote say of a dataset."""

from __future__ import annotations

import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from spora_build.model.modality import Modality
from spora_build.store.layout import Layout
from spora_build.workflows.dataset.cohort import native_mpps, tissue_ids


def test_pixel_sizes_that_are_missing_are_none(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "smith2023novel")
    layout.tissues_table.parent.mkdir(parents=True)
    rows = {
        "tissue_id": ["a", "b", "c", "d"],
        "modality": ["imc", "imc", "imc", "he"],
        "mpp": [1.0, math.nan, None, 0.5],
    }
    pq.write_table(pa.table(rows), layout.tissues_table)
    assert native_mpps(layout, Modality.parse("imc")) == (1.0,)
    assert tissue_ids(layout) == {"a", "b", "c", "d"}
