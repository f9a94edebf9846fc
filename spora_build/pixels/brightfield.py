"""Where light was absorbed: tissue signal of H&E and IHC pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spora_build.pixels.padding import at_border

_DARK = 45
"""Brightest channel of what is no tissue but the scanner's black surround."""
_LIGHT, _TINT = 190, 40
"""Darkest channel, and largest difference of channels, of what may be unstained glass."""
_USUAL_WHITE = 245.0
_PEN = 0.08
"""How much less green than red and blue ink absorbs."""
_PEN_EDGE_UM = 12.0
LEAST, MOST = 0.03, 0.06
"""Bounds of the threshold: below lies the noise of glass, above lie pale stroma and counterstain."""


def stain_signal(rgb: NDArray[np.uint8], mpp: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(H, W) stain density of ``rgb`` (3, H, W) at ``mpp``, and where there is no picture (black surround).

    Density is −log10 of the transmitted light (Beer–Lambert) against the slide's own glass. The signal adds the
    difference of the channels, which grey dust and shadows lack, to half the largest density, which keeps weak grey
    counterstain. Pen ink that absorbs green least counts as nothing: no stain of tissue does that.
    """
    from scipy import ndimage

    lightest = rgb.max(axis=0)
    outside = at_border(lightest < _DARK, mpp)
    if outside.any():  # pixels beside the surround average some of it, or ring with it
        outside = ndimage.binary_dilation(outside, np.ones((3, 3)), iterations=2)
    density = np.empty(rgb.shape, np.float32)
    levels = np.arange(1, 257, dtype=np.float32)
    for light, glass, plane in zip(rgb, _glass(rgb, lightest, outside), density, strict=True):
        np.take(np.log10((glass + 1) / levels).clip(min=0), light, out=plane, mode="clip")  # else through a buffer
        plane[outside] = 0
        ndimage.gaussian_filter(plane, 1.0, output=plane, mode="nearest")
    red, green, blue = density
    ink = (green < red - _PEN) & (green < blue - _PEN)
    if ink.any():  # the soft edge of a line has too little of its colour to be told
        ink = ndimage.distance_transform_edt(~ink) * mpp <= _PEN_EDGE_UM + mpp
    largest: NDArray[np.float32] = density.max(axis=0)
    signal: NDArray[np.float32] = largest - density.min(axis=0)
    signal += np.float32(0.5) * largest
    signal[outside | ink] = 0
    return signal, outside


def stain_threshold(signal: NDArray[np.float32]) -> float:
    """Density above which there is tissue: five deviations above glass, within LEAST and MOST."""
    glass = signal[signal < MOST]
    if glass.size < 0.01 * signal.size:
        return LEAST
    middle = float(np.median(glass))
    spread = 1.4826 * float(np.median(np.abs(glass - middle)))
    return min(max(middle + 5 * spread, LEAST), MOST)


def _glass(rgb: NDArray[np.uint8], lightest: NDArray[np.uint8], outside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Colour of unstained glass, (3,): the lightest neutral pixels that are not pure white, which may be filling."""
    darkest = rgb.min(axis=0)
    white = darkest == 255
    light = (darkest >= _LIGHT) & (lightest - darkest <= _TINT) & ~white & ~outside
    if light.sum() < 0.005 * light.size:
        return np.full(3, 255.0 if white.mean() > 0.005 else _USUAL_WHITE, np.float32)
    top = light & (darkest >= np.percentile(darkest[light], 90))
    colour: NDArray[np.float32] = np.median(rgb[:, top], axis=1).astype(np.float32)
    return colour
