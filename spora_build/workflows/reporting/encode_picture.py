"""Small pictures for the report: WebP no larger than a number of bytes."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from spora_build.report.values import Picture

_QUALITIES = (80, 60, 42)
_LAST = _QUALITIES[-1:]
_SMALLER = 0.92
"""A picture is made at least this much smaller at a time."""
_SMALLEST_PX = 48
_LEAST_PX = 112
_BYTES_PER_PX = 0.16
"""Of WebP pictures of stained tissue in good quality, by experience; :func:`encode` holds the limit, not this."""


def side_for(max_bytes: int, most_px: int) -> int:
    """The longer side of a picture that fits into so many bytes in good quality."""
    return max(_LEAST_PX, min(most_px, round(math.sqrt(max_bytes / _BYTES_PER_PX))))


def encode(rgb: NDArray[np.uint8], max_bytes: int) -> Picture:
    """A picture (h, w, 3) as WebP of at most ``max_bytes``: in lower quality, then smaller, where it must be.

    A picture of 48 pixels is taken however many bytes it has.
    """
    original = image = Image.fromarray(rgb)
    scale = 1.0
    qualities: tuple[int, ...] = _QUALITIES
    while True:
        for quality in qualities:
            buffer = io.BytesIO()
            image.save(buffer, "WEBP", quality=quality, method=3)
            if buffer.tell() <= max_bytes or max(image.size) <= _SMALLEST_PX:
                return Picture("image/webp", buffer.getvalue(), image.width, image.height)
        qualities = _LAST
        scale *= min(_SMALLER, math.sqrt(max_bytes / buffer.tell()))
        longest = max(_SMALLEST_PX / max(original.size), scale)
        size = max(1, round(original.width * longest)), max(1, round(original.height * longest))
        image = original.resize(size, Image.Resampling.BOX)


def encode_lines(mask: NDArray[np.bool_]) -> Picture:
    """True pixels opaque white, all others transparent: a PNG of one bit a pixel, tinted where it is shown."""
    image = Image.fromarray(mask.astype(np.uint8)).convert("P")
    image.putpalette([255, 255, 255, 255, 255, 255])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True, bits=1, transparency=0)
    return Picture("image/png", buffer.getvalue(), mask.shape[1], mask.shape[0])
