"""A mask as it lies on disk."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import InvalidDataError
from spora_build.store.mask import read_mask, read_mask_header


@dataclass(frozen=True)
class MaskFile:
    """One ``<tissue_id>.npz``: a tissue mask, an instance mask or the mask of a task."""

    path: Path
    place: str
    """Path relative to the dataset."""
    mpp: float
    folder: str
    """``tissue_masks``, ``instances`` or the task's name."""
    tissue_id: str

    @cached_property
    def _header(self) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
        try:
            shape, dtype = read_mask_header(self.path)
        except InvalidDataError:
            return None
        return shape, dtype

    @property
    def readable(self) -> bool:
        """Whether the header of a two-dimensional array is there."""
        return self._header is not None and len(self._header[0]) == 2

    @property
    def shape(self) -> tuple[int, int] | None:
        """(H, W); None where the mask is unreadable."""
        if self._header is None or len(self._header[0]) != 2:
            return None
        return self._header[0][0], self._header[0][1]

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """The mask's dtype; None where it is unreadable."""
        return self._header[1] if self.readable and self._header else None

    @property
    def is_compressed_alone(self) -> bool:
        """Whether the file is a deflated array ``mask`` and nothing else."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                members = archive.infolist()
        except (OSError, zipfile.BadZipFile):
            return False
        return [(m.filename, m.compress_type) for m in members] == [("mask.npy", zipfile.ZIP_DEFLATED)]

    def read(self) -> NDArray[Any] | None:
        """The (H, W) mask; None where it is damaged. Never kept."""
        try:
            return read_mask(self.path)
        except InvalidDataError:
            return None
