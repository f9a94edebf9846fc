"""Where tissue is: one decision per tissue at a coarse pixel size, good for every other one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size
from spora_build.pixels import brightfield, multiplex
from spora_build.pixels.clean_mask import clean_mask
from spora_build.pixels.mask_settings import MaskSettings

USUAL_MPP = 4.0
LEAST_SIDE_PX, LEAST_SIDE_OF_MANY_PX, FEW_CHANNELS = 256, 128, 4
"""Small fields are looked at more finely, until their shorter side has this many pixels: fewer where there are more
than a few channels, each of which costs as much as a picture."""
LEAST_FIELD_UM = 30.0
"""In a multiplex field of a cell or two nobody can tell background from the space between nuclei: it is all tissue."""
MOST_PX, MOST_VALUES = 1 << 21, 1 << 24
"""Most pixels, and most values of all channels, that one decision holds: some 30 MB of uint16, and as much beside."""


@dataclass(frozen=True)
class Foreground:
    """Tissue and what was measured, at the working pixel size, from the image's corner."""

    tissue: NDArray[np.bool_]
    """(H, W)."""
    outside: NDArray[np.bool_]
    """(H, W), pixels that were never measured; tissue there is False."""
    mpp: float
    """Microns per pixel of both."""


def working_mpp(sizes: Mapping[float, Size], channels: int, wanted: float | None = None) -> float:
    """Pixel size to decide at, for a tissue whose images of at most so many channels have these ``sizes`` by mpp.

    As ``wanted``, else up to 4 µm, or finer where the field's shorter side would have too few pixels; never finer than
    the images; coarser where the field would not fit in memory. It is 1, 2, 4, 8 … times the pixel size of
    the coarsest image that is fine enough: such blocks of pixels lie within the windows in which images are written.
    """
    finest = min(sizes)
    height_um, width_um = sizes[finest].height * finest, sizes[finest].width * finest
    least = math.sqrt(height_um * width_um * max(1 / MOST_PX, channels / MOST_VALUES))
    if wanted is not None:
        return max(finest, least, wanted)
    least_side = LEAST_SIDE_PX if channels <= FEW_CHANNELS else LEAST_SIDE_OF_MANY_PX
    usual = min(USUAL_MPP, min(height_um, width_um) / least_side)
    mpp = max((mpp for mpp in sizes if mpp <= usual), default=finest)
    while 2 * mpp <= usual or mpp < least:
        mpp *= 2
    return mpp


def find_brightfield(rgb: NDArray[np.uint8], mpp: float, settings: MaskSettings) -> Foreground:
    """Tissue of a picture (3, H, W), 0 to 255."""
    signal, outside = brightfield.stain_signal(rgb, mpp)
    if settings.method == "full":
        tissue = ~outside
    else:
        tissue = signal > _cut(signal[~outside], settings, brightfield.stain_threshold, 1.0)
        tissue = clean_mask(tissue, outside, mpp, settings)
    return Foreground(tissue, outside, mpp)


def find_multiplex(planes: Iterable[NDArray[Any]], mpp: float, settings: MaskSettings) -> Foreground:
    """Tissue of a stack of (H, W) channels of any integer or float type, without those that failed QC.

    The channels are gone through twice.
    """
    outside = multiplex.unmeasured(planes, mpp)
    nothing = Foreground(np.zeros(outside.shape, bool), outside, mpp)
    if outside.all():
        return nothing
    if settings.method == "full":
        return Foreground(~outside, outside, mpp)
    signal = multiplex.combine(multiplex.channel_signal(plane, mpp, outside) for plane in planes)
    if signal is None:
        return nothing
    if settings.method == "auto" and min(outside.shape) * mpp < LEAST_FIELD_UM:
        return Foreground(~outside, outside, mpp)
    measured = signal[~outside]
    level = float(np.percentile(measured, 95))
    tissue = signal > _cut(measured, settings, multiplex.signal_threshold, level)
    del signal, measured  # cleaning needs as much memory again
    return Foreground(clean_mask(tissue, outside, mpp, settings), outside, mpp)


def agree(seen: Sequence[Foreground], also_measured: Sequence[NDArray[np.bool_]]) -> Foreground:
    """One foreground of registered images on one grid: tissue in any of ``seen``, where every one of them, and of the
    images whose unmeasured pixels ``also_measured`` names, was measured. Where that leaves nothing, tissue anywhere.
    """
    tissue = np.logical_or.reduce([one.tissue for one in seen])
    outside = np.logical_or.reduce([*(one.outside for one in seen), *also_measured])
    if (tissue & ~outside).any():
        tissue = tissue & ~outside
    return Foreground(tissue, outside, seen[0].mpp)


def _cut(measured: NDArray[np.float32], settings: MaskSettings, automatic: Any, level: float) -> float:
    if settings.threshold is not None:
        return settings.threshold * level
    if not measured.size or settings.method == "auto":
        return float(automatic(measured)) if measured.size else math.inf
    from skimage import filters

    if measured.min() == measured.max():
        return -math.inf
    return float(getattr(filters, f"threshold_{settings.method}")(measured))
