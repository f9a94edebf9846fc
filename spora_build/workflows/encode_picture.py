"""Small pictures for the report: WebP no larger than a number of bytes."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spora_build.report.values import Picture

_QUALITIES = (82, 70, 55, 40)
_SMALLER = 0.8
_SMALLEST_PX = 48
_BYTES_PER_PX = 0.16
"""Of WebP pictures of stained tissue at a good quality, by experience; :func:`encode` holds the limit, not this."""


def side_for(max_bytes: int, most_px: int, least_px: int = 112) -> int:
    """The longer side of a picture that fits into so many bytes in good quality."""
    return max(least_px, min(most_px, round(math.sqrt(max_bytes / _BYTES_PER_PX))))


def encode(rgb: NDArray[np.uint8], max_bytes: int) -> Picture:
    """A picture (h, w, 3) as WebP of at most ``max_bytes``: in lower quality, then smaller, where it must be.

    A picture of 48 pixels is taken however many bytes it has.
    """
    image = Image.fromarray(rgb)
    while True:
        for quality in _QUALITIES:
            buffer = io.BytesIO()
            image.save(buffer, "WEBP", quality=quality, method=4)
            if buffer.tell() <= max_bytes or max(image.size) <= _SMALLEST_PX:
                return Picture("image/webp", buffer.getvalue(), image.width, image.height)
        size = max(1, round(image.width * _SMALLER)), max(1, round(image.height * _SMALLER))
        image = image.resize(size, Image.Resampling.BOX)


def encode_lines(mask: NDArray[np.bool_]) -> Picture:
    """True pixels opaque white, all others transparent: a PNG of one bit a pixel, tinted where it is shown."""
    image = Image.fromarray(mask.astype(np.uint8)).convert("P")
    image.putpalette([255, 255, 255, 255, 255, 255])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True, bits=1, transparency=0)
    return Picture("image/png", buffer.getvalue(), mask.shape[1], mask.shape[0])
