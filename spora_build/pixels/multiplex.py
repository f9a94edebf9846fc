"""Where anything was stained or fluoresced: tissue signal of many channels together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.pixels.padding import at_border

SMOOTHING_UM = 5.0
"""Radius of smoothing: half a cell, so that nuclei and the space between them become one."""
_SMOOTHING_SHARE = 1 / 10
"""Of the shorter side, in small fields."""
_ABOUT_A_PIXEL = 0.5
"""Difference of two radii up to which one smoothing serves for both."""
_BEND = 5.0
"""Of asinh: dim tissue counts for more than its share beside bright cells."""
_ENOUGH = 1 << 16
CLEAR = 1.75
"""How many times the background's level the tissue has where the two are clearly apart. Whole fields of tissue,
split by Otsu's rule, reach 1.5 (bright against dim structures); those with background lie at 2 to 20."""


def unmeasured(planes: Iterable[NDArray[Any]], mpp: float) -> NDArray[np.bool_]:
    """Where every one of the (H, W) ``planes`` is exactly 0, in a broad piece at the border of the image."""
    zero: NDArray[np.bool_] | None = None
    for plane in planes:
        zero = plane == 0 if zero is None else zero & (plane == 0)
    if zero is None:
        raise ValueError("no planes")
    return at_border(zero, mpp)


def channel_signal(
    plane: NDArray[Any], mpp: float, outside: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], float] | None:
    """Smoothed (H, W) signal of one channel, 0 at its floor and about 1 in bright tissue, and its weight in 0…1.

    The weight is the squared share of the smoothed variance that is not noise: near 0 for a channel of noise alone.
    None for a channel without any contrast. Single hot pixels are cut at the 99.9th percentile first.
    """
    from scipy import ndimage

    inside = ~outside
    everywhere = bool(inside.all())

    def measured(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return values.reshape(-1) if everywhere else values[inside]

    x = plane.astype(np.float32)
    if plane.dtype.kind == "f":
        np.nan_to_num(x, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    high = _percentile(measured(x), 99.9)
    if not high > float(measured(x).min()):
        return None
    np.minimum(x, high, out=x)
    pixel_variance = float(measured(x).var())
    share: NDArray[Any] | None = None
    if not everywhere:  # what was not measured must not pull down what lies beside it
        x[outside] = 0
        share = inside.astype(np.float32)

    def smooth(sigma: float) -> NDArray[np.float32]:
        blurred: NDArray[np.float32] = ndimage.gaussian_filter(x, sigma, mode="nearest")
        if share is not None:
            blurred /= np.maximum(ndimage.gaussian_filter(share, sigma, mode="nearest"), 1e-3)
        return blurred

    sigma = min(SMOOTHING_UM / mpp, _SMOOTHING_SHARE * min(plane.shape))
    signal = smooth(sigma)
    floor = _percentile(measured(signal if abs(sigma - 1) < _ABOUT_A_PIXEL else smooth(1.0)), 0.5)
    variance = float(measured(signal).var())
    top = _percentile(measured(signal), 95)
    if top <= floor or variance == 0:
        return None
    weight = max(0.0, 1 - pixel_variance * _noise_left(sigma) / variance) ** 2
    signal -= np.float32(floor)
    signal /= np.float32(top - floor)
    np.clip(signal, 0, 1.5, out=signal)
    signal *= np.float32(_BEND)
    signal = _asinh(signal)
    signal /= np.float32(math.asinh(_BEND))
    return signal, weight


def combine(signals: Iterable[tuple[NDArray[np.float32], float] | None]) -> NDArray[np.float32] | None:
    """Weighted mean (H, W) of the channels' signals, which are overwritten; None where no channel has contrast."""
    total: NDArray[np.float32] | None = None
    weights = 0.0
    for found in signals:
        if found is None:
            continue
        signal, weight = found
        weight = max(weight, 1e-6)  # where all is noise, the mean is still defined
        signal *= np.float32(weight)
        total = signal if total is None else np.add(total, signal, out=total)
        weights += weight
    return None if total is None else np.divide(total, np.float32(weights), out=total)


def signal_threshold(signal: NDArray[np.float32]) -> float:
    """Level above which there is tissue, from the measured pixels' combined signal.

    Otsu's threshold, but never more than a share of the tissue's own level (the median above that threshold): one
    half where tissue and background are clearly apart, 0.4 where not. Tissue that fills the field is nowhere as dark.
    """
    from skimage.filters import threshold_otsu

    if signal.min() == signal.max():
        return -math.inf
    otsu: Callable[[NDArray[np.float32]], float] = threshold_otsu
    split = float(otsu(signal))
    tissue = float(np.median(signal[signal > split]))
    background = float(np.median(signal[signal <= split]))
    share = 0.5 if tissue > CLEAR * background else 0.4
    return min(split, share * tissue)


def _asinh(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of what is not negative: a fifth of the time of numpy's own, which is not vectorized."""
    result = x * x
    result += 1
    np.sqrt(result, out=result)
    result += x
    np.log(result, out=result)
    return result


def _percentile(values: NDArray[np.float32], percent: float) -> float:
    """Of every so many of the values: sixty thousand tell a level as well as all of them do."""
    return float(np.percentile(values[:: max(1, values.size // _ENOUGH) | 1], percent))


def _noise_left(sigma: float) -> float:
    """Variance that smoothing leaves of uncorrelated noise of variance 1."""
    reach = math.ceil(4 * sigma)
    line = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return float(((line / line.sum()) ** 2).sum() ** 2)
