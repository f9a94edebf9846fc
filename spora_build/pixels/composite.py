"""Multiplex channels as one picture in colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Color = tuple[int, int, int]
"""Red, green and blue, 0–255."""

NUCLEAR: Color = (64, 108, 255)
MARKERS: tuple[Color, ...] = ((255, 196, 0), (255, 56, 172), (0, 226, 148))
"""Colours of up to three markers; with the nuclear blue they differ in lightness too, for the colour-blind."""

LOW, HIGH = 0.05, 0.995
"""Quantiles of the tissue's pixels that become black and full colour."""


def contrast(plane: NDArray[Any], mask: NDArray[np.bool_], floor: float = 0.0) -> tuple[float, float]:
    """The values that become black and full colour: quantiles of the pixels inside ``mask`` (all where it is empty).

    Full colour is at least ``floor``, so that a channel with nothing but noise stays dark.
    """
    inside = plane[mask] if mask.any() else plane.ravel()
    finite = inside.astype(np.float64)
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        return 0.0, max(1.0, floor)
    low, high = (float(value) for value in np.quantile(finite, [LOW, HIGH]))
    return low, max(high, floor)


def composite(
    planes: NDArray[Any], limits: Sequence[tuple[float, float]], colors: Sequence[Color]
) -> NDArray[np.uint8]:
    """RGB picture (h, w, 3) of (n, h, w): each plane in its colour between its limits (NaN dark).

    They are laid over one another as light is on a screen, 1 − Π(1 − light), so that no number of channels overexposes.
    """
    dark = np.ones((*planes.shape[1:], 3), np.float32)
    for plane, (low, high), color in zip(planes, limits, colors, strict=True):
        width = max(high - low, float(np.finfo(np.float32).tiny))
        values = np.nan_to_num(plane.astype(np.float32), nan=low, posinf=high, neginf=low)
        light = ((values - np.float32(low)) / np.float32(width)).clip(0, 1)
        dark *= 1 - light[..., None] * (np.array(color, np.float32) / 255)
    picture: NDArray[np.uint8] = np.rint((1 - dark) * 255).astype(np.uint8)
    return picture
