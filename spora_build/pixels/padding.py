"""Pixels that were never measured: filled borders of registered, stitched or scanned images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LEAST_UM, _LEAST_PX = 12.0, 3
"""Half the width of the narrowest filled border: single dark pixels are not one."""
_LEAST_SHARE = 0.002


def at_border(filled: NDArray[np.bool_], mpp: float) -> NDArray[np.bool_]:
    """The pieces of ``filled`` (H, W) that touch the image's border, are broad and large."""
    from scipy import ndimage

    if filled.all() or not filled.any():
        return filled
    radius = max(_LEAST_PX, _LEAST_UM / mpp)
    if not any(side.any() for side in (filled[0], filled[-1], filled[:, 0], filled[:, -1])):
        return np.zeros_like(filled)
    # a broad piece is one with a point far from all that is not filled; the image's border does not count
    depth = ndimage.distance_transform_edt(filled)
    labels, count = ndimage.label(filled)
    index = np.arange(1, count + 1)
    broad = np.asarray(ndimage.maximum(depth, labels, index)) > radius
    large = np.bincount(labels.ravel(), minlength=count + 1)[1:] >= _LEAST_SHARE * filled.size
    edge = np.zeros(count + 1, bool)
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        edge[side] = True
    keep = np.concatenate([[False], broad & large & edge[1:]])
    found: NDArray[np.bool_] = keep[labels]
    return found
