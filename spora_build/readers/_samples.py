"""Samples of pixels that lie side by side, taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray


def copy_sample(pixels: NDArray[Any], sample: int, out: NDArray[Any]) -> None:
    """Fill ``out`` (h, w) with one sample of ``pixels`` (h, w, samples)."""
    if not (_is_bytes_in_words(pixels) and out.dtype == np.uint8):
        out[...] = pixels[:, :, sample]
        return
    # words that begin with the sample, whose upper three bytes are cut off: that is vectorized, picking every fourth
    # byte is not. They end in the pixel that follows: beyond the last row there may be none
    rows = as_strided(pixels[:, :, sample:], (len(pixels) - 1, *pixels.shape[1:]), pixels.strides)
    np.copyto(out[:-1], rows.view("<u4")[:, :, 0], casting="unsafe")
    out[-1] = pixels[-1, :, sample]


def _is_bytes_in_words(pixels: NDArray[Any]) -> bool:
    """Whether pixels are four bytes, and the same column of the next row comes later in memory."""
    in_words = pixels.shape[2] == 4 and pixels.strides[2] == 1
    return pixels.dtype == np.uint8 and in_words and pixels.strides[0] >= 4 and len(pixels) > 0
