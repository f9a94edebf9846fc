"""Nuclei, and cells around them, from nuclear stains: no weights, no training, the same result in any tiling.

A pixel is nuclear where the smoothed stain is above a share of the image's own threshold (Otsu) and of its
surroundings. Seen through a Laplacian of Gaussian as wide as a nucleus, each nucleus is a hill; a pixel belongs to the
summit that the steepest way up leads to (the drop-of-water watershed). Every step looks at a bounded neighbourhood, so
a window with a margin of :func:`halo_px` gives the very labels that the whole image would.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size, Window

_TRUNCATE = 4.0
_BACKGROUND_TRUNCATE = 3.0
_SCALE_QUANTILE = 0.995


@dataclass(frozen=True)
class NucleiSettings:
    """Sizes in micrometres; the defaults suit human tissue in section."""

    radius_um: float = 3.0
    """Radius of the nuclei that the hills are looked for with."""
    smooth_um: float = 1.0
    background_um: float = 15.0
    """How far surroundings reach (standard deviation of the Gaussian that averages them)."""
    level: float = 0.8
    """Share of the way from background to Otsu's threshold that a nucleus is above."""
    contrast: float = 0.7
    """Share of the surroundings' mean that a nucleus is above."""
    min_area_um2: float = 10.0
    max_radius_um: float = 12.0
    """No pixel lies farther from its summit, counted in steps."""
    expand_um: float = 2.0
    """How far a cell reaches beyond its nucleus; 0 gives nuclei."""
    counts: bool = False
    """Whether pixels count events (imaging mass cytometry, MIBI), whose noise grows with the square root."""

    def __post_init__(self) -> None:
        if min(self.radius_um, self.smooth_um, self.background_um, self.max_radius_um) <= 0:
            raise ValueError("sizes are above 0")
        if min(self.level, self.contrast, self.min_area_um2, self.expand_um) < 0:
            raise ValueError("thresholds are not below 0")


@dataclass(frozen=True)
class Levels:
    """What is decided once for an image."""

    scales: tuple[float, ...]
    """Upper end of each nuclear channel: they count alike."""
    background: float
    threshold: float


def halo_px(settings: NucleiSettings, mpp: float) -> int:
    """Pixels around a window that its labels depend on."""
    filters = max(
        settings.smooth_um * _TRUNCATE,
        settings.radius_um / math.sqrt(2) * _TRUNCATE,
        settings.background_um * _BACKGROUND_TRUNCATE,
    )
    return math.ceil((filters + 2 * settings.max_radius_um + settings.expand_um) / mpp) + 8


def find_levels(samples: Sequence[NDArray[Any]], mpp: float, settings: NucleiSettings) -> Levels:
    """Levels from windows (C, h, w) of the nuclear channels, the same windows whatever the tiling."""
    from skimage.filters import threshold_otsu

    channels = range(len(samples[0]))
    pooled = [
        np.concatenate([_stable(sample[channel], settings).ravel() for sample in samples]) for channel in channels
    ]
    scales = tuple(max(float(np.quantile(pixels, _SCALE_QUANTILE)), 1e-6) for pixels in pooled)
    smooth = np.concatenate([_smooth(stain(sample, scales, settings), mpp, settings).ravel() for sample in samples])
    background = float(np.quantile(smooth, 0.01))
    flat = smooth.min() == smooth.max()
    threshold = math.inf if flat else float(threshold_otsu(smooth))  # type: ignore[no-untyped-call]
    return Levels(scales, background, threshold)


def stain(pixels: NDArray[Any], scales: Sequence[float], settings: NucleiSettings) -> NDArray[np.float32]:
    """One nuclear plane (h, w) of all nuclear channels (C, h, w), about 0 to 1."""
    total = np.zeros(pixels.shape[1:], np.float32)
    for plane, scale in zip(pixels, scales, strict=True):
        total += _stable(plane, settings) / np.float32(scale)
    return total / np.float32(len(scales))


def segment(
    plane: NDArray[np.float32], window: Window, size: Size, mpp: float, settings: NucleiSettings, levels: Levels
) -> NDArray[np.uint32]:
    """Labels (h, w) of the cells in a window of an image of ``size``; 0 where there is none.

    A label tells the place of the cell's summit in the whole image, so that windows agree on it. Right wherever the
    window has :func:`halo_px` around it, or the image ends. Raises ValueError for an image of more than 2³⁴ pixels.
    """
    from scipy import ndimage

    from spora_build.pixels.nuclei_kernel import climb

    smooth = _smooth(plane, mpp, settings)
    around = ndimage.gaussian_filter(plane, settings.background_um / mpp, truncate=_BACKGROUND_TRUNCATE)
    level = levels.background + settings.level * (levels.threshold - levels.background)
    inside = (smooth > level) & (smooth > settings.contrast * around)
    hills = -ndimage.gaussian_laplace(plane, settings.radius_um / math.sqrt(2) / mpp, truncate=_TRUNCATE)
    summit = np.empty(plane.shape, np.int64)
    climb(hills, inside, math.ceil(settings.max_radius_um / mpp), summit)
    labels = _labels(summit, window, size)
    _remove_small(labels, summit, settings.min_area_um2 / mpp**2)
    return grow(labels, settings.expand_um / mpp)


def _stable(plane: NDArray[Any], settings: NucleiSettings) -> NDArray[np.float32]:
    values: NDArray[np.float32] = plane.astype(np.float32)
    return np.sqrt(np.maximum(values, 0)) if settings.counts else values


def _smooth(plane: NDArray[np.float32], mpp: float, settings: NucleiSettings) -> NDArray[np.float32]:
    from scipy import ndimage

    smooth: NDArray[np.float32] = ndimage.gaussian_filter(plane, settings.smooth_um / mpp, truncate=_TRUNCATE)
    return smooth


def _labels(summit: NDArray[np.int64], window: Window, size: Size) -> NDArray[np.uint32]:
    """Summits never touch, so the two-by-two block that one lies in names it."""
    width = (size.width + 1) // 2
    if width * ((size.height + 1) // 2) >= 2**32:
        raise ValueError("an image of more than 2³⁴ pixels")
    rows, cols = summit // summit.shape[1] + window.row, summit % summit.shape[1] + window.col
    return np.where(summit < 0, 0, rows // 2 * width + cols // 2 + 1).astype(np.uint32)


def _remove_small(labels: NDArray[np.uint32], summit: NDArray[np.int64], least_px: float) -> None:
    pixels = np.bincount(summit[summit >= 0], minlength=summit.size)
    labels[(summit >= 0) & (pixels[summit] < least_px)] = 0


def grow(labels: NDArray[np.uint32], radius_px: float) -> NDArray[np.uint32]:
    """Every pixel within the radius of a cell joins the nearest one; of equals the first in reading order."""
    from spora_build.pixels.nuclei_kernel import expand

    reach = math.floor(radius_px)
    if reach < 1:
        return labels
    rows, cols = (axis.ravel() for axis in np.mgrid[-reach : reach + 1, -reach : reach + 1])
    squares = rows**2 + cols**2
    order = np.lexsort((cols, rows, squares))
    order = order[(squares[order] > 0) & (squares[order] <= radius_px**2)]
    grown = np.empty_like(labels)
    expand(labels, rows[order].astype(np.int64), cols[order].astype(np.int64), grown)
    return grown
