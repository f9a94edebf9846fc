"""A raw decision made whole: gaps closed, holes filled, dust dropped."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from spora_build.pixels.mask_settings import MaskSettings

_HOLE_SHARE, _SPECK_SHARE, _CLOSING_SHARE = 0.05, 0.01, 1 / 12
"""Limits in small fields: of the field's area, and of its shorter side."""


def clean_mask(
    tissue: NDArray[np.bool_], outside: NDArray[np.bool_], mpp: float, settings: MaskSettings
) -> NDArray[np.bool_]:
    """``tissue`` (H, W) at ``mpp`` after dropping dust, closing gaps and filling holes; nothing ``outside``.

    Dust goes first, else closing would join it to the tissue. A gap between tissue and what is outside is a hole too.
    """
    field = tissue.size * mpp**2
    speck = min(settings.min_speck_um2, _SPECK_SHARE * field) / mpp**2
    hole = min(settings.max_hole_um2, _HOLE_SHARE * field) / mpp**2
    tissue = _without_small(tissue & ~outside, speck / 10)
    tissue = close_gaps(tissue, min(settings.closing_um / mpp, _CLOSING_SHARE * min(tissue.shape)))
    tissue = _without_small(tissue & ~outside, speck)
    if not tissue.any():
        return tissue
    return ~_without_small(~(tissue | outside), hole) & ~outside


def close_gaps(mask: NDArray[np.bool_], radius_px: float) -> NDArray[np.bool_]:
    """Morphological closing by a disc. Beyond the border the image is taken to go on as it is there."""
    if radius_px < 1 or mask.all() or not mask.any():
        return mask
    margin = int(radius_px) + 2
    wide = np.pad(mask, margin, mode="edge")
    wide = _is_near(wide, radius_px)
    wide = ~_is_near(~wide, radius_px)
    closed: NDArray[np.bool_] = wide[margin:-margin, margin:-margin] | mask
    return closed


def _is_near(mask: NDArray[np.bool_], radius_px: float) -> NDArray[np.bool_]:
    """Where the nearest True of ``mask`` is at most this far away: a disc made of lines that grow by a pixel a side."""
    reach = int(radius_px)
    height, width = mask.shape
    wide = np.pad(mask, reach)
    half_widths = [math.isqrt(math.floor(radius_px**2 - down**2)) for down in range(reach + 1)]
    near = np.zeros_like(mask)
    lines = wide[:, reach : reach + width].copy()
    for half in range(reach + 1):
        if half:
            lines |= wide[:, reach - half : reach - half + width]
            lines |= wide[:, reach + half : reach + half + width]
        for down in (down for down, own in enumerate(half_widths) if own == half):
            near |= lines[reach - down : reach - down + height]
            near |= lines[reach + down : reach + down + height]
    return near


def _without_small(mask: NDArray[np.bool_], area_px: float) -> NDArray[np.bool_]:
    """The pieces of ``mask`` (sides and corners touching) of at least ``area_px`` pixels."""
    from scipy import ndimage

    labels, _ = ndimage.label(mask, np.ones((3, 3)))
    keep = np.bincount(labels.ravel()) >= area_px
    keep[0] = False
    kept: NDArray[np.bool_] = keep[labels]
    return kept
