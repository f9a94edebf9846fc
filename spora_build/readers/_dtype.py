"""Which dtype an image has in the dataset, and the proof per window that no value changes on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import Place, Problem, UnreadableFileError
from spora_build.model.geometry import Window
from spora_build.model.roi import PixelSource, Roi

_TARGETS = {
    "bool": "uint8",
    "uint8": "uint8",
    "int8": "uint8",
    "uint16": "uint16",
    "int16": "uint16",
    "int32": "uint16",
    "uint32": "uint16",
    "int64": "uint16",
    "uint64": "uint16",
    "float16": "float32",
    "float32": "float32",
    "float64": "float32",
}


def target_dtype(stored: np.dtype[Any]) -> np.dtype[Any] | None:
    """The dtype among uint8, uint16 and float32 that pixels of the stored dtype are given; None where there is none.

    bool → uint8 (0 and 1), float16 → float32, always without loss. The others hold only as long as every value does:
    int8 → uint8 and int16 → uint16 where nothing is negative; wider integers → uint16 where all lie in 0…65535;
    float64 → float32 where each value survives the round trip. No value is ever rounded, wrapped or clipped.
    """
    name = _TARGETS.get(stored.newbyteorder("=").name)
    return None if name is None else np.dtype(name)


@dataclass(frozen=True)
class LosslessSource:
    """A source whose pixels are converted to ``dtype``; a window with a value that would change is refused."""

    source: PixelSource
    stored: np.dtype[Any]
    dtype: np.dtype[Any]
    file: str

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See :meth:`PixelSource.read`. Raises UnreadableFileError (E-READ-010) where a value does not fit."""
        pixels = self.source.read(channels, window)
        with np.errstate(invalid="ignore", over="ignore"):
            converted = pixels.astype(self.dtype)
        for index, channel in enumerate(channels):
            if not _is_same(pixels[index], converted[index]):
                raise UnreadableFileError(_does_not_fit(self, channel, pixels[index]))
        return converted


def _is_same(before: NDArray[Any], after: NDArray[Any]) -> bool:
    if before.dtype.kind == "f":
        return bool(np.array_equal(before, after.astype(before.dtype), equal_nan=True))
    if before.dtype.kind == "b":
        return True
    limit = np.iinfo(after.dtype).max
    return bool(before.min() >= 0 and int(before.max()) <= limit)


def _does_not_fit(source: LosslessSource, channel: int, pixels: NDArray[Any]) -> Problem:
    if pixels.dtype.kind == "f":
        what = "values need more than the 24 bits of precision of float32"
    else:
        what = f"values from {pixels.min()} to {pixels.max()} do not fit into {source.dtype} (0 to "
        what += f"{np.iinfo(source.dtype).max})"
    return Problem(
        "E-READ-010",
        f"pixels are {source.stored}, a dataset has uint8, uint16 or float32, and {what} in channel {channel + 1}.",
        "save the image as uint16 or float32 with a scaling of your choice; nothing is rounded or clipped silently.",
        Place(file=source.file),
    )


def with_dataset_dtype(roi: Roi, file: str) -> Roi:
    """The roi with pixels in a dtype that datasets have (see :func:`target_dtype`). Raises UnreadableFileError."""
    target = target_dtype(roi.dtype)
    if target is None:
        raise UnreadableFileError(
            Problem(
                "E-READ-011",
                f"pixels are {roi.dtype}, which no dataset can hold.",
                "save the image as uint8, uint16 or float32.",
                Place(file=file),
            )
        )
    if target == roi.dtype:
        return roi
    return replace(roi, dtype=target, source=LosslessSource(roi.source, roi.dtype, target, file))


def stored_dtype(roi: Roi) -> np.dtype[Any]:
    """The type of the pixels in the file, in native byte order."""
    return roi.source.stored if isinstance(roi.source, LosslessSource) else roi.dtype


def as_stored(roi: Roi) -> Roi:
    """The roi with the dtype and values of the file: for label masks, whose int32 or int64 are no intensities."""
    if isinstance(roi.source, LosslessSource):
        return replace(roi, dtype=roi.source.stored, source=roi.source.source)
    return roi
