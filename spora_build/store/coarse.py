"""Small pictures of stored images, kept in the private folder from when an image is written until its mask is.

Each is bound to the image it was gathered from by that one's seal. One that is gone, torn or of another image is no
loss: the stored image tells the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.modality import Modality
from spora_build.store.atomic import remove, write_beside
from spora_build.store.layout import Layout, resolution_folder
from spora_build.store.seal import seal_image

_FOLDER = "coarse"
_VERSION = 2
"""Of how pixels become a picture: one that was made otherwise is not found."""


def drop_pictures(layout: Layout) -> None:
    """Let go of all pictures."""
    remove(layout.private / _FOLDER)


@dataclass(frozen=True)
class CoarsePicture:
    """Where the picture of one stored image is kept."""

    layout: Layout
    modality: Modality
    image_mpp: float
    tissue_id: str

    def put(self, pixels: NDArray[Any], mpp: float) -> None:
        """Keep (C, h, w) pixels at ``mpp`` of the image that stands now, in place of any that were kept before.

        Nothing is kept of a damaged image, and where the private folder is missing or takes nothing.
        """
        self.drop()
        path = self._path(mpp)
        if path is not None and self.layout.private.is_dir():
            with suppress(OSError), write_beside(path) as temporary, temporary.open("wb") as file:
                np.save(file, pixels, allow_pickle=False)

    def find(self, mpp: float) -> np.memmap[Any, Any] | None:
        """The pixels at ``mpp``, on disk still; None where none were kept of the image that stands now."""
        path = self._path(mpp)
        try:
            return None if path is None else np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None

    def drop(self) -> None:
        """Let go of what was kept of the image, whatever its pixel size."""
        for path in self._folder.glob(f"{self.tissue_id}.*.npy"):
            remove(path)

    @property
    def _folder(self) -> Path:
        return self.layout.private / _FOLDER / self.modality.folder / resolution_folder(self.image_mpp)

    def _path(self, mpp: float) -> Path | None:
        seal = seal_image(self.layout.image(self.modality, self.image_mpp, self.tissue_id))
        name = f"{self.tissue_id}.{resolution_folder(mpp)}.{seal}.{_VERSION}.npy"
        return None if seal is None else self._folder / name


@dataclass(frozen=True)
class KeptPlanes:
    """Channels (h, w) of a kept picture, each read when its turn comes: of what is mapped, all would stay in memory."""

    picture: np.memmap[Any, Any]
    channels: Sequence[int]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """Raises ValueError where the file has become shorter."""
        for channel in self.channels:
            plane = self.picture[channel]
            place = self.picture.offset + channel * plane.nbytes
            yield np.fromfile(str(self.picture.filename), plane.dtype, plane.size, offset=place).reshape(plane.shape)
