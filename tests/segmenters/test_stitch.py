"""Windows with margins give the cells of one look at the whole image."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import relabel_sequential

from spora_build.model.geometry import Size, Window
from spora_build.segmenters._stitch import stitched_bands
from tests.pixels.match_cells import match


def blobs(height: int, width: int, seed: int = 0) -> NDArray[np.bool_]:
    """Patches some ten pixels long."""
    noise = np.random.default_rng(seed).random((height, width))
    return ndimage.gaussian_filter(noise, 2.0) > 0.53


def number(mask: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Connected patches, as a model would number the window it sees."""
    return ndimage.label(mask)[0].astype(np.uint32)


def in_reading_order(labels: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The same cells, numbered by the first pixel of each."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(np.where(labels.ravel()[first] == 0, -1, first)))
    return order[inverse].reshape(labels.shape)


@pytest.mark.parametrize("tile_px", [40, 64, 97, 500])
@pytest.mark.parametrize("shape", [(200, 230), (41, 300), (130, 39)])
def test_tiles_give_what_one_look_gives(tile_px: int, shape: tuple[int, int]) -> None:
    mask = blobs(*shape)
    whole = number(mask)
    longest = max(max(part.stop - part.start for part in found) for found in ndimage.find_objects(whole))
    bands = stitched_bands(lambda window: number(mask[window.slices]), Size(*shape), tile_px, 2 * longest)
    made = np.concatenate([band.copy() for band in bands])
    assert made.shape == shape
    assert np.array_equal(in_reading_order(made), in_reading_order(whole))
    assert np.array_equal(relabel_sequential(made)[0], made)  # 1…n without gaps


def test_a_look_that_wavers_counts_no_cell_twice() -> None:
    """Cells drawn a pixel larger or smaller from window to window, as networks do near borders."""
    mask = blobs(240, 240, 3)
    whole = number(ndimage.binary_opening(mask, iterations=2))

    def look(window: Window) -> NDArray[np.uint32]:
        labels = whole[window.slices]
        return ndimage.grey_dilation(labels, 3) if (window.row + window.col) % 20 else labels

    made = np.concatenate([band.copy() for band in stitched_bands(look, Size(240, 240), 50, 40)])
    found = match(made, whole)
    assert found.both + found.made_only <= int(whole.max())
    assert len(np.unique(whole[made > 0])) >= 0.98 * whole.max()


def test_an_empty_image() -> None:
    bands = list(stitched_bands(lambda w: np.zeros((w.height, w.width), np.uint32), Size(70, 50), 32, 8))
    assert sum(len(band) for band in bands) == 70
    assert not any(band.any() for band in bands)
