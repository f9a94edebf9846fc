"""The intensities of an image's channels inside its tissue mask: counted, summarized, compared with one another."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.pixels.channel_summary import coarse_sample, summarize
from spora_build.pixels.correlation import correlations
from spora_build.pixels.histogram import add_coarse, add_values, coarse_counts, distinct, is_counted, value_counts
from spora_build.report.values import ChannelNumbers, Pair
from spora_build.store.image import StoredImage
from spora_build.workflows.reporting.look_at_mask import MaskLook, choose_squares, chosen_windows

SQUARE_PX = 256
MOST_SQUARES = 64
"""An image is measured on at most this many squares, 4 million pixels; every pixel of a usual core."""
_SAMPLE_PX = 30_000
"""Pixels that correlations are taken over."""
ALIKE = 0.8
"""Correlations from here on are kept."""


@dataclass(frozen=True)
class ChannelsLook:
    """What the pixels of one image say."""

    channels: tuple[ChannelNumbers, ...]
    pairs: tuple[Pair, ...]
    counted_share: float


def look_at_channels(
    image: StoredImage, names: tuple[str, ...], mask_path: Path | None, mask: MaskLook, clips: Mapping[str, float]
) -> ChannelsLook:
    """Count the tissue's pixels, all of them or evenly spaced squares. Raises InvalidDataError.

    8- and 16-bit integers are counted value by value, every other type as float32 in bins of 0.8 % width.
    """
    chosen = choose_squares(mask.squares, MOST_SQUARES)
    pixels = int(mask.squares[chosen].sum())
    every = max(1, math.ceil(pixels / _SAMPLE_PX))
    exact = is_counted(image.dtype)
    counts = value_counts(len(names), image.dtype) if exact else coarse_counts(len(names))
    sample: list[NDArray[np.float32]] = []
    for window, inside in chosen_windows(mask_path, image.size, SQUARE_PX, chosen):
        planes = image.read(range(image.channel_count), window)
        if exact:
            add_values(counts, planes, inside)
        else:
            planes = planes.astype(np.float32)
            add_coarse(counts, planes, inside)
        sample.append(planes[:, inside][:, ::every].astype(np.float32))
    numbers = []
    for at, name in enumerate(names):
        values, often = distinct(counts[at], image.dtype) if exact else coarse_sample(counts[at])
        numbers.append(_numbers(name, values, often, clips.get(name)))
    gathered = np.concatenate([np.zeros((len(names), 0), np.float32), *sample], axis=1)
    return ChannelsLook(tuple(numbers), _pairs(names, gathered), pixels / mask.tissue_px if mask.tissue_px else 0.0)


def _numbers(name: str, values: NDArray[Any], counts: NDArray[np.int64], clip: float | None) -> ChannelNumbers:
    found = summarize(values, counts, clip)
    return ChannelNumbers(
        name=name,
        low=found.low,
        median=found.median,
        high=found.high,
        maximum=found.maximum,
        zero_share=found.zero_share,
        top_share=found.top_share,
        is_empty=found.is_empty,
        start=found.start,
        stop=found.stop,
        bars=found.bars,
        clip=clip,
    )


def _pairs(names: tuple[str, ...], sample: NDArray[np.float32]) -> tuple[Pair, ...]:
    sample[~np.isfinite(sample)] = 0
    r = correlations(sample)
    firsts, seconds = np.nonzero(np.triu(np.nan_to_num(r) >= ALIKE, k=1))
    pairs = [Pair(names[i], names[j], round(float(r[i, j]), 3)) for i, j in zip(firsts, seconds, strict=True)]
    return tuple(sorted(pairs, key=lambda pair: -pair.r))
