"""Where tissue is: one decision per tissue at a coarse pixel size, good for every other one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size
from spora_build.pixels import brightfield, multiplex
from spora_build.pixels.clean_mask import clean_mask
from spora_build.pixels.mask_settings import MaskSettings

USUAL_MPP = 4.0
LEAST_SIDE_PX = 256
"""Small fields are looked at more finely, until their shorter side has this many pixels."""
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


def working_mpp(size: Size, mpp: float, channels: int, wanted: float | None = None) -> float:
    """Pixel size to decide at, for the finest stored image (``size`` at ``mpp``) of a tissue with so many channels.

    As ``wanted``, else 4 µm, or finer where the field's shorter side would have fewer than 256 pixels; never finer than
    the image; coarser where the field would not fit in memory. Whole pixels or micrometres where there is a choice:
    such ratios are the fastest to average.
    """
    shorter = min(size.height, size.width)
    area_um2 = size.height * size.width * mpp**2
    finest = max(math.sqrt(area_um2 / MOST_PX), math.sqrt(area_um2 * channels / MOST_VALUES))
    usual = min(USUAL_MPP, mpp * max(1, shorter // LEAST_SIDE_PX))
    return max(mpp, math.ceil(finest) if finest > USUAL_MPP else finest, wanted or usual)


def find_brightfield(rgb: NDArray[np.uint8], mpp: float, settings: MaskSettings) -> Foreground:
    """Tissue of a picture (3, H, W), 0 to 255."""
    signal, outside = brightfield.stain_signal(rgb, mpp)
    if settings.method == "full":
        tissue = ~outside
    else:
        tissue = signal > _cut(signal[~outside], settings, brightfield.stain_threshold, 1.0)
        tissue = clean_mask(tissue, outside, mpp, settings)
    return Foreground(tissue, outside, mpp)


def find_multiplex(planes: Sequence[NDArray[Any]], mpp: float, settings: MaskSettings) -> Foreground:
    """Tissue of a stack of (H, W) channels of any integer or float type, without those that failed QC."""
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
