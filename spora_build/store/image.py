"""Images of the dataset, read in flat memory: OME-Zarr groups whose array ``0`` is sharded.

image = open_image(path)
image.read([0], Window(0, 0, 256, 256))
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.model.geometry import Size, Window
from spora_build.store.array_reader import StoredArray, open_array
from spora_build.store.ome_metadata import channel_labels, level_zero


@dataclass(frozen=True)
class StoredImage:
    """An image on disk; a PixelSource that any number of threads may read from."""

    name: str
    """File name, for messages."""
    channel_names: tuple[str, ...]
    """Labels of ``omero.channels``; empty where the image names none."""
    mpp: float
    array: StoredArray

    @property
    def channel_count(self) -> int:
        """Number of channels of the array."""
        return self.array.shape[0]

    @property
    def size(self) -> Size:
        """Height and width of the full resolution."""
        return Size(*self.array.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Native byte order."""
        return self.array.dtype

    @property
    def chunk(self) -> Size:
        """The piece that is decoded at once."""
        return self.array.chunk

    @property
    def shard(self) -> Size:
        """The piece that lies in one file; the chunk where there are no shards."""
        return self.array.shard

    @property
    def block(self) -> Size:
        """What windows should be aligned to: the chunk."""
        return self.array.chunk

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """Pixels (len(channels), window.height, window.width). Raises InvalidDataError where the file is damaged."""
        if window.row_stop > self.size.height or window.col_stop > self.size.width:
            raise ValueError(f"{window} is not inside an image of {self.size}")
        if any(not 0 <= channel < self.channel_count for channel in channels):
            raise ValueError(f"not channels of an image with {self.channel_count}: {list(channels)}")
        try:
            return self.array.read(channels, window)
        except (OSError, ValueError, RuntimeError) as error:
            raise InvalidDataError(
                Problem(
                    "E-IMAGE-003",
                    "the image is damaged: some of its pixels cannot be read.",
                    "delete the image and convert its tissue again.",
                    Place(file=self.name),
                )
            ) from error


def open_image(path: Path) -> StoredImage:
    """An image on disk; only its metadata are read. Raises InvalidDataError where there is none."""
    ome = _read_ome(path)
    try:
        array_path, mpp = level_zero(ome)
        labels = channel_labels(ome)
        array = open_array(path / array_path)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InvalidDataError(
            Problem(
                "E-IMAGE-002",
                "this is no image of a spora dataset: an OME-Zarr group with axes c, y, x and square pixels.",
                "convert the tissue again, or run `spora-build validate` to see what is wrong with it.",
                Place(file=path.name),
            )
        ) from error
    return StoredImage(path.name, labels, mpp, array)


def _read_ome(path: Path) -> dict[str, Any]:
    try:
        if (path / "zarr.json").is_file():
            attributes = json.loads((path / "zarr.json").read_text(encoding="utf-8")).get("attributes", {})
            ome = attributes["ome"]
        else:
            ome = json.loads((path / ".zattrs").read_text(encoding="utf-8"))  # OME-Zarr 0.4
        if isinstance(ome, dict):
            return ome
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise _no_image(path) from error
    raise _no_image(path)


def _no_image(path: Path) -> InvalidDataError:
    return InvalidDataError(
        Problem(
            "E-IMAGE-001",
            "there is no OME-Zarr image here.",
            "convert the tissue again.",
            Place(file=path.name),
        )
    )
