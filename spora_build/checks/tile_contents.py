"""Whether tiles hold the tissue that their stats say: read only with ``--deep``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.checks.core import NotApplicableError, Violation, rule
from spora_build.checks.view import DatasetView, Tiling


def _masked_tiles(view: DatasetView) -> Iterator[tuple[Tiling, str, NDArray[np.bool_], NDArray[Any]]]:
    """Every tiling of every tissue with its mask and the (n, 2) corners of its tiles; each mask is read once."""
    if not view.tilings:
        raise NotApplicableError("there are no tiles")
    for (tissue, mpp), file in sorted(view.tissue_masks.items()):
        tilings = [t for t in view.tilings if t.mpp == mpp and tissue in t.stats.rows.index]
        mask = file.read() if tilings else None
        for tiling in tilings if mask is not None else []:
            assert mask is not None
            by_tissue = view.once(("corners", tiling.coordinates.path), partial(_corners, tiling))
            yield tiling, tissue, mask.astype(bool), by_tissue.get(tissue, np.empty((0, 2), dtype=np.int64))


def _corners(tiling: Tiling) -> dict[str, NDArray[Any]]:
    rows = tiling.coordinates.rows
    return {str(tissue): tiles[["row", "col"]].to_numpy() for tissue, tiles in rows.groupby("tissue_id")}


@rule("V621", deep=True, needs=["V531", "V602", "V606", "V607", "V618"], remedy="Run `spora-build tile` again.")
def tiles_hold_tissue(view: DatasetView) -> Iterator[Violation]:
    """A tile's share of tissue is at least 1 − tolerance."""
    for tiling, tissue, mask, corners in _masked_tiles(view):
        needed = (1.0 - float(tiling.stats.rows["tolerance"][tissue])) * tiling.size_px**2
        size = tiling.size_px
        poor = sum(mask[r : r + size, c : c + size].sum() < needed - 1e-6 for r, c in corners)
        if poor:
            yield Violation(tiling.coordinates.place, f"{tissue}: {poor} tiles")


@rule("V622", deep=True, needs=["V531", "V602", "V606", "V607", "V618"], remedy="Run `spora-build tile` again.")
def stats_count_pixels(view: DatasetView) -> Iterator[Violation]:
    """total_valid_pixels and covered_valid_pixels are the tissue mask's pixels, all and those under a tile."""
    for tiling, tissue, mask, corners in _masked_tiles(view):
        covered = np.zeros_like(mask)
        for r, c in corners:
            covered[r : r + tiling.size_px, c : c + tiling.size_px] = True
        stated = [int(tiling.stats.rows[name][tissue]) for name in ("total_valid_pixels", "covered_valid_pixels")]
        counted = [int(mask.sum()), int((covered & mask).sum())]
        if stated != counted:
            yield Violation(tiling.stats.place, f"{tissue}: {stated} where there are {counted}")
