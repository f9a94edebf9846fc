"""Look along the border of a stored picture for text that was burnt into it."""

from __future__ import annotations

from collections.abc import Iterator

from spora_build.errors import Place, Problem
from spora_build.model.geometry import Size, Window
from spora_build.pixels.overlay_text import count_text_signs
from spora_build.store.image import StoredImage

_LEAST_STRIP_PX, _MOST_STRIP_PX = 64, 256
_WINDOW_PX = 2048
_WHOLE_BORDER_PX = 8192
"""Longest side up to which the whole border is looked at; of larger pictures only the corners, where overlays stand."""


def overlay_notes(image: StoredImage, place: Place) -> list[Problem]:
    """A warning where rows of letters stand at the border of an RGB picture, else nothing."""
    signs = max(count_text_signs(image.read((0, 1, 2), window)) for window in border_windows(image.size))
    if not signs:
        return []
    return [
        Problem(
            "W-PRIV-030",
            f"what looks like text ({signs} letters or digits in a row) stands at the border of the picture.",
            "look at it; crop the picture or paint the text over where it tells a name, a number or a date.",
            place,
        )
    ]


def border_windows(size: Size) -> Iterator[Window]:
    """Windows along the four sides, a quarter of the side thick and at most 256 px."""
    high, wide = (max(_LEAST_STRIP_PX, min(side // 4, _MOST_STRIP_PX)) for side in (size.height, size.width))
    for col, width in _pieces(size.width):
        yield Window(0, col, high, width).clip(size)
        yield Window(max(0, size.height - high), col, high, width).clip(size)
    for row, height in _pieces(size.height):
        yield Window(row, 0, height, wide).clip(size)
        yield Window(row, max(0, size.width - wide), height, wide).clip(size)


def _pieces(length: int) -> Iterator[tuple[int, int]]:
    """(start, length) of pieces that overlap by half, so that a row of letters lies in one of them."""
    starts = list(range(0, max(1, length - _WINDOW_PX // 2), _WINDOW_PX // 2))
    if length > _WHOLE_BORDER_PX:
        starts = [0, length - _WINDOW_PX]
    return ((start, min(_WINDOW_PX, length - start)) for start in starts)
