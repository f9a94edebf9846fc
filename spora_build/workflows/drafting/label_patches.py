"""Whether a file of one plane holds labels: its values, not its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import SporaBuildError
from spora_build.model.geometry import Window
from spora_build.readers import open_labels

_LOOK_AT_PX = 1024
_FLAT = 0.6
"""Share of neighbours of the same value from which integers are labels: noise of a camera is far below."""


@dataclass(frozen=True)
class Patches:
    """What the middle of a plane of whole numbers looks like."""

    is_binary: bool
    """At most two values."""
    are_labels: bool
    """Zeros between patches of one number each, of more than one number."""


def look_at_patches(path: Path) -> Patches | None:
    """Look at the middle of the first plane; None where it holds no whole numbers or cannot be read."""
    try:
        with open_labels(path) as rois:
            roi = rois[0]
            if roi.dtype.kind not in "bui":
                return None
            height, width = min(roi.size.height, _LOOK_AT_PX), min(roi.size.width, _LOOK_AT_PX)
            middle = Window((roi.size.height - height) // 2, (roi.size.width - width) // 2, height, width)
            pixels = roi.read([0], middle)[0]
    except SporaBuildError:
        return None
    is_binary = len(np.unique(pixels)) <= 2
    return Patches(is_binary, not is_binary and _are_patches(pixels))


def _are_patches(pixels: NDArray[Any]) -> bool:
    if pixels.shape[1] < 2 or not (pixels == 0).any():
        return False
    inside = pixels[:, :-1] > 0
    return bool(inside.any()) and float((pixels[:, 1:] == pixels[:, :-1])[inside].mean()) >= _FLAT
