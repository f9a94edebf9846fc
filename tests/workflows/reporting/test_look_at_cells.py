"""Cells counted in bands against numpy on the whole mask; grids against slices of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spora_build.pixels.outline import cell_edges
from spora_build.store.mask import write_mask
from spora_build.workflows.reporting.look_at_cells import Grid, look_at_cells


@pytest.mark.parametrize(("dtype", "top"), [("uint8", 200), ("uint32", 4_000_000_000), ("int32", 90_000_000)])
def test_labels_are_counted_however_large(tmp_path: Path, dtype: str, top: int) -> None:
    rng = np.random.default_rng(0)
    labels = (rng.integers(0, 40, (300, 200)) * (top // 40)).astype(dtype)
    write_mask(tmp_path / "m.npz", labels)
    assert look_at_cells(tmp_path / "m.npz", []).count == len(np.unique(labels[labels > 0]))


def test_grids_are_the_masks_own_pixels(tmp_path: Path) -> None:
    labels = np.kron(np.arange(1, 13).reshape(3, 4), np.ones((40, 50), int)).astype(np.uint16)
    write_mask(tmp_path / "m.npz", labels)
    whole = Grid(0, 0, 1, 1, 120, 200)
    part = Grid(0.25, 0.5, 0.5, 0.25, 60, 50)
    coarse = Grid(0, 0, 1, 1, 6, 8)
    found = look_at_cells(tmp_path / "m.npz", [whole, part, coarse])
    assert found.count == 12
    assert found.edges[0] is not None and np.array_equal(found.edges[0], cell_edges(labels))
    assert found.edges[1] is not None and np.array_equal(found.edges[1], cell_edges(labels[30:90, 100:150]))
    assert found.edges[2] is None  # four pixels a cell are no outline
