"""The cells command's work: what a dataset has is measured again, what people said stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spora_build.errors import UsageError
from spora_build.model.report import Status
from spora_build.store.mask import write_mask
from spora_build.workflows.cells.of_dataset import stored_source
from spora_build.workflows.cells.stage import run_cells
from tests.workflows.raw_cells import Built, RawCells, draw_channels, draw_labels

LABELS = draw_labels()


@pytest.fixture
def built(tmp_path: Path) -> Built:
    raw = RawCells(tmp_path / "raw")
    for name in ("a.tif", "b.tif"):
        raw.image(name, draw_channels(LABELS.shape), 0.5, cell_mask=f"mask_{name}").mask(f"mask_{name}", LABELS * 2)
    cells = [(name, c) for name in ("a.tif", "b.tif") for c in range(2, 97, 2)]
    raw.table([{"image": n, "cell_id": c, "kind": "xy"[c % 4 // 2], "score": c / 7} for n, c in cells])
    return raw.run()


def test_measured_again_is_the_same_table(built: Built) -> None:
    before = built.cells
    outcomes = run_cells(built.layout, stored_source(built.layout))
    assert {outcome.status for outcome in outcomes} == {Status.DONE}
    pd.testing.assert_frame_equal(built.cells[before.columns], before)
    assert {o.status for o in run_cells(built.layout, stored_source(built.layout))} == {Status.SKIPPED}


def test_a_corrected_mask_is_measured_and_its_task_made_again(built: Built) -> None:
    tissue = built.tissue("a.tif")
    corrected = np.where(LABELS == 7, 0, LABELS)
    write_mask(built.layout.cell_mask(0.5, tissue), corrected.astype(np.uint16))
    run_cells(built.layout, stored_source(built.layout))
    cells = built.cells[built.cells["tissue_id"] == tissue]
    assert len(cells) == 47
    assert np.array_equal(built.instances("a.tif", 0.5), np.where(corrected > 7, corrected - 1, corrected))
    kind = np.where(corrected == 0, 0, corrected * 2 % 4 // 2 + 1)
    assert np.array_equal(built.instances("a.tif", 0.5, "kind"), kind)
    assert np.array_equal(built.instances("a.tif", 1.0, "kind"), kind[1::2, 1::2])
    assert cells["score"].tolist() == [c / 7 for c in range(2, 97, 2) if c != 14]


def test_a_new_annotation_becomes_a_task(built: Built) -> None:
    cells = built.cells
    cells["leiden"] = [f"cluster {cell % 3}" for cell in cells["cell_id"]]
    cells.to_parquet(built.layout.cells_table)
    run_cells(built.layout, stored_source(built.layout, ("leiden",)))
    assert np.array_equal(built.instances("b.tif", 0.5, "leiden"), np.where(LABELS > 0, LABELS % 3 + 1, 0))
    assert built.layout.cell_masks(0.5, "kind").exists()
    assert built.cells["leiden"].tolist() == cells["leiden"].tolist()
    with pytest.raises(UsageError, match="E-CELLS-061"):
        stored_source(built.layout, ("score",))


def test_masks_without_a_table_are_measured(built: Built) -> None:
    built.layout.cells_table.unlink()
    run_cells(built.layout, stored_source(built.layout))
    assert built.cells["cell_id"].tolist() == [*range(1, 49)] * 2


def test_tables_of_pandas_categories_are_read(built: Built) -> None:
    before = built.cells
    before.assign(kind=before["kind"].astype("category")).to_parquet(built.layout.cells_table)
    run_cells(built.layout, stored_source(built.layout))
    assert built.cells["kind"].tolist() == before["kind"].tolist()
