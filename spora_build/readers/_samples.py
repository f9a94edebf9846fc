"""Samples of pixels that lie side by side, taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_PIECE_PX = 1 << 18
"""Worked on at a time: a megabyte of words."""


def copy_sample(pixels: NDArray[Any], sample: int, out: NDArray[Any]) -> None:
    """Fill ``out`` (h, w) with one sample of ``pixels`` (h, w, samples)."""
    if pixels.dtype != np.uint8 or pixels.shape[2] != 4 or pixels.strides[2] != 1 or out.dtype != np.uint8:
        out[...] = pixels[:, :, sample]
        return
    # shifting whole pixels and cutting them off is vectorized, picking every fourth byte is not: twice as fast
    words = pixels.view("<u4")[:, :, 0]
    rows = max(1, _PIECE_PX // max(1, words.shape[1]))
    for top in range(0, len(words), rows):
        piece = words[top : top + rows]
        np.copyto(out[top : top + rows], piece >> np.uint32(8 * sample) if sample else piece, casting="unsafe")
