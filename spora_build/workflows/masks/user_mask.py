"""A tissue mask that a person drew: opened by window, and fitted to a tissue's images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.model.geometry import Size, Window
from spora_build.model.roi import PixelSource
from spora_build.readers import open_rois
from spora_build.store.array_promise import memory_budget, promised_bytes
from spora_build.store.mask import read_mask


@dataclass(frozen=True)
class UserMask:
    """Pixels of which those that are not 0 (in any channel) are tissue."""

    source: PixelSource
    size: Size
    channels: tuple[int, ...]


@contextmanager
def open_user_mask(path: Path, shown_name: str) -> Iterator[UserMask]:
    """Open an ``.npz`` or ``.npy`` array, or the first image of any file that a reader takes.

    Any type of number will do: bool, 0/255, labels. Raises InvalidDataError where the file is no picture of one plane
    or RGB.
    """
    if path.suffix in (".npz", ".npy"):
        _refuse_oversized(path, shown_name)
    if path.suffix == ".npz":
        mask = read_mask(path)
        yield UserMask(_Plane(mask), Size(*mask.shape), (0,))
    elif path.suffix == ".npy":
        plane = _load(path, shown_name)
        yield UserMask(_Plane(plane), Size(*plane.shape), (0,))
    else:
        with open_rois(path) as rois:
            if len(rois) != 1 or not (rois[0].is_rgb or rois[0].channel_count == 1):
                raise _no_mask(shown_name)
            yield UserMask(rois[0], rois[0].size, tuple(range(rois[0].channel_count)))


def fit_user_mask(size: Size, images: Mapping[float, Size], shown_name: str) -> float:
    """The mask's pixel size, from the sizes that the tissue's images have at each of theirs.

    A mask of the size of one of the images lies on it; one of the same proportions, to within a pixel of the finest
    image, covers the same field. Raises InvalidDataError for any other.
    """
    for mpp, image in sorted(images.items()):
        if image == size:
            return mpp
    mpp, finest = min(images.items())
    ratio = finest.height / size.height if finest.height > finest.width else finest.width / size.width
    slack = max(1.0, ratio)
    if abs(size.height * ratio - finest.height) <= slack and abs(size.width * ratio - finest.width) <= slack:
        return mpp * ratio
    raise InvalidDataError(
        Problem(
            "E-MASK-013",
            f"this tissue mask has {size.height} × {size.width} pixels, which no image of its tissue has"
            f" (the finest has {finest.height} × {finest.width}).",
            "give a mask of the whole image, or take it out of tissues.csv to have one made.",
            Place(file=shown_name, column="tissue_mask"),
        )
    )


@dataclass(frozen=True)
class _Plane:
    """An array in memory, or mapped from disk, as a source of one channel."""

    pixels: NDArray[Any]

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See :class:`PixelSource`."""
        return self.pixels[window.slices][None]


def _refuse_oversized(path: Path, shown_name: str) -> None:
    try:
        nbytes = promised_bytes(path)
    except (OSError, ValueError, KeyError) as error:
        raise _no_mask(shown_name) from error
    if path.suffix == ".npz" and nbytes > memory_budget():  # an .npy is mapped
        raise InvalidDataError(
            Problem(
                "E-MASK-017",
                f"this tissue mask would take {nbytes / 1e9:.1f} GB of memory.",
                "export it as a TIFF, which is read in pieces.",
                Place(file=shown_name, column="tissue_mask"),
            )
        )


def _load(path: Path, shown_name: str) -> NDArray[Any]:
    try:
        plane: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _no_mask(shown_name) from error
    if plane.ndim != 2 or not plane.size:
        raise _no_mask(shown_name)
    return plane


def _no_mask(shown_name: str) -> InvalidDataError:
    return InvalidDataError(
        Problem(
            "E-MASK-014",
            "this tissue mask is not a single image of one plane, or RGB.",
            "export it as a TIFF, PNG, .npy or .npz of one plane that is 0 outside the tissue.",
            Place(file=shown_name, column="tissue_mask"),
        )
    )
