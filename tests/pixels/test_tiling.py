"""Tilings against a direct reference that looks at every pixel of every candidate, and against spora-io itself."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from spora_build.errors import UsageError
from spora_build.model.geometry import Size
from spora_build.pixels.tile_settings import Tiling, TilingSettings
from spora_build.pixels.tiling import tile_mask

Mask = NDArray[np.bool_]


def tiled(mask: NDArray[Any], how: TilingSettings, rows: int | None = None) -> Tiling:
    """The tiling of a whole mask, handed over in bands of ``rows``."""
    bands = [mask] if rows is None else [mask[i : i + rows] for i in range(0, mask.shape[0], rows)]
    return tile_mask(bands, Size(*mask.shape), how)


def greedy_by_hand(mask: Mask, how: TilingSettings) -> tuple[list[tuple[int, int]], int, int, str]:
    """(tiles, candidates, covered pixels, stop reason), counting pixels anew in every round."""
    height, width = mask.shape
    if not mask.any():
        return [], 0, 0, "empty_mask"
    if how.size_px > min(height, width):
        return [], 0, 0, "smaller_than_tile"

    def starts(length: int) -> list[int]:
        return sorted({*range(0, length - how.size_px + 1, how.step_px), length - how.size_px})

    def pixels(at: tuple[int, int], of: Mask) -> int:
        return int(of[at[0] : at[0] + how.size_px, at[1] : at[1] + how.size_px].sum())

    area = how.size_px**2
    corners = [(row, col) for row in starts(height) for col in starts(width)]
    left = [at for at in corners if pixels(at, mask) and pixels(at, mask) / area >= 1.0 - how.tolerance]
    candidates, total, uncovered, chosen = len(left), int(mask.sum()), mask.copy(), []
    while left:
        gains = [pixels(at, uncovered) for at in left]
        best = gains.index(max(gains))
        covered = total - int(uncovered.sum())
        if gains[best] == 0:
            return chosen, candidates, covered, "no_gain"
        reached = how.coverage_goal >= 1.0 or covered / total >= how.coverage_goal
        if reached and gains[best] < math.ceil(how.min_gain_ratio * area):
            return chosen, candidates, covered, "adaptive_stop"
        row, col = left.pop(best)
        chosen.append((row, col))
        uncovered[row : row + how.size_px, col : col + how.size_px] = False
    return chosen, candidates, total - int(uncovered.sum()), "candidates_exhausted"


def grid_by_hand(mask: Mask, how: TilingSettings) -> tuple[list[tuple[int, int]], int, int]:
    """(tiles, places of the grid, covered pixels)."""

    def starts(length: int) -> list[int]:
        found = [0]
        while found[-1] + how.size_px < length:
            found.append(found[-1] + how.step_px)
        return found

    covered = np.zeros_like(mask)
    places = [(row, col) for row in starts(mask.shape[0]) for col in starts(mask.shape[1])]
    chosen = []
    for row, col in places:
        inside = mask[row : row + how.size_px, col : col + how.size_px]
        if inside.sum() and inside.sum() / how.size_px**2 >= 1.0 - how.tolerance:
            chosen.append((row, col))
            covered[row : row + how.size_px, col : col + how.size_px] = True
    return chosen, len(places), int((covered & mask).sum())


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    """Specks, blobs and full masks of any shape."""
    height, width = draw(st.integers(1, 45)), draw(st.integers(1, 45))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["full", "specks", "blobs", "empty"]))
    if kind == "full":
        return np.ones((height, width), bool)
    if kind == "specks":
        return rng.random((height, width)) < draw(st.floats(0.01, 0.99))
    mask = np.zeros((height, width), bool)
    for _ in range(draw(st.integers(1, 4)) if kind == "blobs" else 0):
        row, col = rng.integers(0, height), rng.integers(0, width)
        mask[row : row + rng.integers(1, 30), col : col + rng.integers(1, 30)] = True
    return mask


SHARES = st.one_of(st.sampled_from([0.0, 0.05, 0.1, 0.5, 0.75, 0.85, 0.95]), st.floats(0.0, 0.999))


@st.composite
def ways(draw: st.DrawFn, strategy: str) -> TilingSettings:
    """Settings from all over their range."""
    return TilingSettings(
        size_px=draw(st.integers(1, 20)),
        stride_px=draw(st.none() | st.integers(1, 25)),
        strategy=strategy,
        tolerance=draw(SHARES),
        coverage_goal=draw(st.sampled_from([1.0, 0.95, 0.5]) | st.floats(0.001, 1.0)),
        min_gain_ratio=draw(SHARES),
    )


@settings(max_examples=150, deadline=None)
@given(masks(), ways("default"), st.none() | st.integers(1, 20))
def test_greedy_cover_equals_the_direct_reference(mask: Mask, how: TilingSettings, rows: int | None) -> None:
    found = tiled(mask, how, rows)
    tiles, candidates, covered, reason = greedy_by_hand(mask, how)
    assert found.coordinates.tolist() == [list(tile) for tile in tiles]
    assert asdict(found.stats) == {
        "mask_height": mask.shape[0],
        "mask_width": mask.shape[1],
        "tissue_mask_frac": float(mask.mean()),
        "num_tiles": len(tiles),
        "coverage_ratio": covered / mask.sum() if mask.any() else 1.0,
        "covered_valid_pixels": covered,
        "total_valid_pixels": mask.sum(),
        "candidate_count": candidates,
        "stop_reason": reason,
        "grid_candidate_count": None,
        "padded_height": None,
        "padded_width": None,
    }


@settings(max_examples=80, deadline=None)
@given(masks(), ways("grid_any"), st.none() | st.integers(1, 20))
def test_grid_equals_the_direct_reference(mask: Mask, how: TilingSettings, rows: int | None) -> None:
    found = tiled(mask, how, rows)
    tiles, places, covered = grid_by_hand(mask, how)
    assert found.coordinates.tolist() == [list(tile) for tile in tiles]
    assert found.stats.num_tiles == found.stats.candidate_count == len(tiles)
    assert found.stats.grid_candidate_count == places
    assert found.stats.covered_valid_pixels == covered
    assert found.stats.coverage_ratio == (covered / mask.sum() if mask.any() else 1.0)
    assert found.stats.stop_reason == ("fixed_grid_complete" if mask.any() else "empty_mask")


@settings(max_examples=60, deadline=None)
@given(masks(), ways("default"))
def test_tiles_of_the_cover_lie_inside_the_image(mask: Mask, how: TilingSettings) -> None:
    corners = tiled(mask, how).coordinates
    assert (corners >= 0).all()
    assert (corners + how.size_px <= mask.shape).all()


def test_a_tissue_smaller_than_the_tile_has_no_tile() -> None:
    found = tiled(np.ones((300, 223), bool), TilingSettings(224))
    assert found.coordinates.shape == (0, 2)
    assert found.coordinates.dtype == np.int64
    assert (found.stats.stop_reason, found.stats.coverage_ratio) == ("smaller_than_tile", 0.0)


def test_a_tissue_of_exactly_one_tile_has_one() -> None:
    assert tiled(np.ones((224, 224), bool), TilingSettings(224)).coordinates.tolist() == [[0, 0]]


def test_cells_taller_than_255_rows_do_not_overflow() -> None:
    found = tiled(np.ones((900, 700), bool), TilingSettings(300, 300), rows=1000)
    assert found.stats.total_valid_pixels == 900 * 700
    assert found.stats.covered_valid_pixels == 900 * 700


@pytest.mark.parametrize(("extra", "tiles"), [(4, 1), (5, 2)])
def test_the_least_gain_is_rounded_up(extra: int, tiles: int) -> None:
    mask = np.zeros((3, 6), bool)
    mask[:, :3] = True
    mask[:, 3:].flat[:extra] = True  # half of nine pixels is 4.5
    found = tiled(mask, TilingSettings(3, 3, tolerance=0.9, min_gain_ratio=0.5))
    assert found.stats.num_tiles == tiles
    assert found.stats.stop_reason == ("adaptive_stop" if tiles == 1 else "candidates_exhausted")


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32])
def test_nonzero_is_tissue_whatever_the_type(dtype: type) -> None:
    mask = np.random.default_rng(1).random((60, 70)) < 0.5
    how = TilingSettings(16, 8, tolerance=0.6)
    assert np.array_equal(tiled(mask.astype(dtype) * 200, how).coordinates, tiled(mask, how).coordinates)


def test_bands_that_do_not_make_up_the_mask_are_refused() -> None:
    mask = np.ones((40, 40), bool)
    for bands in ([mask[:20]], [mask, mask[:1]], [mask[:, :39]]):
        with pytest.raises(ValueError, match="band"):
            tile_mask(bands, Size(40, 40), TilingSettings(16))


def test_every_wrong_setting_is_named_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        TilingSettings(0, 0, "No Folder", tolerance=1.0, coverage_goal=0.0, min_gain_ratio=float("nan"))
    assert [p.code for p in caught.value.problems] == [f"E-TILE-00{i}" for i in range(1, 7)]


def test_strides_by_default() -> None:
    assert TilingSettings(225).step_px == 112
    assert TilingSettings(1).step_px == 1
    assert TilingSettings(224, strategy="grid_stride224").step_px == 224


@pytest.mark.spora_io
@settings(max_examples=300, deadline=None)
@given(masks(), ways("default"))
def test_greedy_cover_equals_spora_io(mask: Mask, how: TilingSettings) -> None:
    theirs = pytest.importorskip("spora_io.utils.helpers.tile")
    if how.size_px > min(mask.shape) and mask.any():
        return
    tiles, stats, _ = theirs.best_mask_tiling_try_to_stop(
        mask, how.size_px, how.step_px, how.tolerance, how.coverage_goal, how.min_gain_ratio
    )
    found = tiled(mask, how)
    assert found.coordinates.tolist() == [[tile.y, tile.x] for tile in tiles]
    ours = asdict(found.stats)
    assert {key: ours[key] for key in ours.keys() & stats.keys()} == {
        key: stats[key] for key in ours.keys() & stats.keys()
    }
    assert ours.keys() & stats.keys() >= {"num_tiles", "coverage_ratio", "candidate_count", "stop_reason"}


@pytest.mark.spora_io
@settings(max_examples=200, deadline=None)
@given(masks(), ways("grid_any"))
def test_grid_equals_spora_io(mask: Mask, how: TilingSettings) -> None:
    theirs = pytest.importorskip("spora_io.utils.helpers.tile")
    tiles, stats, _ = theirs.get_grid_tile(mask, how.size_px, how.step_px, how.tolerance)
    found = tiled(mask, how)
    assert found.coordinates.tolist() == [[tile.y, tile.x] for tile in tiles]
    ours = asdict(found.stats)
    assert {key: ours[key] for key in ours.keys() & stats.keys()} == {
        key: stats[key] for key in ours.keys() & stats.keys()
    }
    assert ours.keys() & stats.keys() >= {"grid_candidate_count", "padded_height", "padded_width"}
