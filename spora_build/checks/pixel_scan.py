"""One pass over an image's pixels, for everything that the deep checks want to know of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.checks.pixel_statistics import Moments, Recipe, Sample, ValueCounts
from spora_build.checks.recipes import recipes_at
from spora_build.checks.stored_image import StoredImage
from spora_build.checks.view import DatasetView
from spora_build.model.geometry import Window

WINDOW_BYTES = 256 * 2**20
"""A window is at most this large."""
SAMPLE_BYTES = 512 * 2**20
"""Pixels that are no whole numbers are kept for as many channels at once as fit here."""
DECODING_ERRORS = (ValueError, RuntimeError, OSError, KeyError, TypeError, IndexError, ArithmeticError)
"""What zarr-python and its codecs raise on damaged chunks: there is no common class."""


@dataclass(frozen=True)
class Scan:
    """What one image's pixels are like."""

    damage: str = ""
    """Where decoding stopped, empty where every chunk decoded."""
    nonfinite: int = 0
    """Number of pixels that are NaN or infinite."""
    signal: tuple[bool, ...] = ()
    """Whether a channel has any pixel other than 0."""
    quantiles: dict[float, tuple[float, ...]] = field(default_factory=dict)
    """Quantile of each channel's tissue pixels, by level."""
    moments: dict[Recipe, tuple[Moments, ...]] = field(default_factory=dict)
    """Moments of each channel's tissue pixels, by recipe."""


def scan(view: DatasetView, image: StoredImage) -> Scan:
    """The scan of an image, made once."""
    with np.errstate(invalid="ignore", over="ignore"):  # damaged floats are told as NaN, not by numpy's warnings
        found: Scan = view.once(("scan", image.path), lambda: _scan(view, image))
    return found


def _scan(view: DatasetView, image: StoredImage) -> Scan:
    import zarr

    if image.shape is None or image.size is None:
        return Scan(damage="the array's metadata are unreadable")
    place = "the array's metadata"
    try:
        array = zarr.open_array(str(image.path / "0"), mode="r", zarr_format=3)
        recipes = recipes_at(view, image) if array.dtype.kind in "uif" else []
        mask = _tissue(view, image) if recipes else None
        statistics = _Statistics(array, mask, recipes)
        nonfinite = 0
        signal = np.zeros(image.shape[0], dtype=bool)
        for window in _windows(image, array.dtype):
            place = f"rows from {window.row}, columns from {window.col}"
            pixels = np.asarray(array[:, *window.slices])
            signal |= pixels.any(axis=(1, 2))
            if pixels.dtype.kind == "f":
                nonfinite += int(pixels.size - np.isfinite(pixels).sum())
            statistics.add(pixels, window)
        place = "the second reading"
        quantiles, moments = statistics.finish(image)
    except DECODING_ERRORS as error:
        return Scan(damage=f"{place}: {type(error).__name__}")
    return Scan("", nonfinite, tuple(bool(s) for s in signal), quantiles, moments)


def _windows(image: StoredImage, dtype: np.dtype[Any]) -> Iterator[Window]:
    assert image.shape is not None
    channels, height, width = image.shape
    step = image.file_shape[1] if image.file_grid and image.file_shape else max(height, width)
    while channels * step * step * dtype.itemsize > WINDOW_BYTES and step % 2 == 0 and step > 256:
        step //= 2
    for row in range(0, height, step):
        for col in range(0, width, step):
            yield Window(row, col, min(step, height - row), min(step, width - col))


def _tissue(view: DatasetView, image: StoredImage) -> NDArray[np.bool_] | None:
    """The tissue mask; None where there is none that fits: then nobody knows which pixels were meant."""
    assert image.shape is not None
    file = view.tissue_masks.get((image.tissue_id, image.mpp))
    mask = file.read() if file is not None and file.shape == image.shape[1:] else None
    return mask.astype(bool) if mask is not None else None


class _Statistics:
    """Gathers tissue pixels window by window: counted where they are small whole numbers, kept otherwise."""

    def __init__(self, array: Any, mask: NDArray[np.bool_] | None, recipes: list[Recipe]) -> None:
        self._array = array
        self._mask = mask
        self._recipes = recipes
        countable = array.dtype in (np.dtype(np.uint8), np.dtype(np.uint16))
        wanted = mask is not None and bool(recipes)
        self._counts = ValueCounts(array.shape[0], array.dtype) if wanted and countable else None
        self._again = wanted and not countable

    def add(self, pixels: NDArray[Any], window: Window) -> None:
        """Take the pixels (channels, h, w) of a window."""
        if self._counts is not None and self._mask is not None:
            self._counts.add(pixels[:, self._mask[window.slices]])

    def finish(self, image: StoredImage) -> tuple[dict[float, tuple[float, ...]], dict[Recipe, tuple[Moments, ...]]]:
        """Quantiles by level and moments by recipe, of every channel; empty where no recipe asks for them."""
        if self._counts is None and not self._again:
            return {}, {}
        quantiles: dict[float, list[float]] = {level: [] for level in _levels(self._recipes)}
        moments: dict[Recipe, list[Moments]] = {recipe: [] for recipe in self._recipes}
        for sample in self._samples(image):
            for level, found in quantiles.items():
                found.append(sample.quantile(level))
            for recipe, channels in moments.items():
                channels.append(sample.moments(recipe))
        return {k: tuple(v) for k, v in quantiles.items()}, {k: tuple(v) for k, v in moments.items()}

    def _samples(self, image: StoredImage) -> Iterator[Sample]:
        channels = self._array.shape[0]
        if self._counts is not None:
            yield from (self._counts.sample(channel) for channel in range(channels))
            return
        assert self._mask is not None
        total = int(self._mask.sum())
        together = max(1, SAMPLE_BYTES // max(1, total * 8))
        for start in range(0, channels, together):
            kept = np.empty((min(together, channels - start), total), dtype=np.float64)
            filled = 0
            for window in _windows(image, self._array.dtype):
                pixels = np.asarray(self._array[start : start + len(kept), *window.slices])
                inside = pixels[:, self._mask[window.slices]]
                kept[:, filled : filled + inside.shape[1]] = inside
                filled += inside.shape[1]
            yield from (Sample(row, None) for row in kept)


def _levels(recipes: list[Recipe]) -> list[float]:
    return sorted({level for recipe in recipes for level in (recipe.upper, recipe.lower) if level is not None})
