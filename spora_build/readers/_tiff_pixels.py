"""Pixels of TIFF pages by window: only the strips and tiles that the window touches are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size, Window
from spora_build.readers._file_bytes import FileBytes
from spora_build.readers._segment_cache import SegmentCache
from spora_build.readers._tiff_page import StoredPage, stored_page


class Plane(NamedTuple):
    """One channel: a sample of a page."""

    page: StoredPage
    sample: int


class TiffPixels:
    """PixelSource over planes of one size and dtype, which may lie in several pages and files."""

    def __init__(self, planes: Sequence[Plane]) -> None:
        first = planes[0].page
        if any(plane.page.size != first.size or plane.page.dtype != first.dtype for plane in planes):
            raise ValueError("the planes of an image have one size and one dtype")
        self.planes = tuple(planes)
        self.size = first.size
        """Height and width."""
        self.dtype = first.dtype
        """Dtype of the pixels as they are stored, native byte order."""
        self.block = Size(
            max(plane.page.block.height for plane in planes), max(plane.page.block.width for plane in planes)
        )
        """The largest strip or tile among the planes."""

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See :meth:`spora_build.model.roi.PixelSource.read`. A window beyond the image is a ValueError."""
        if window.row_stop > self.size.height or window.col_stop > self.size.width:
            raise ValueError(f"{window} reaches beyond the image of {self.size}")
        out = np.empty((len(channels), window.height, window.width), self.dtype)
        by_page: dict[int, tuple[StoredPage, list[tuple[int, int]]]] = {}
        for index, channel in enumerate(channels):
            page, sample = self.planes[channel]
            by_page.setdefault(id(page), (page, []))[1].append((index, sample))
        for page, wanted in by_page.values():
            page.read_into(out, wanted, window)
        return out


class TiffStore:
    """The open files behind the pixels of an acquisition, and what is decoded of them."""

    def __init__(self) -> None:
        self._files: dict[Path, FileBytes] = {}
        self._cache = SegmentCache()

    def page(self, path: Path, page: Any) -> StoredPage:
        """A ``tifffile.TiffPage`` of the file at ``path``, ready to be read. Raises UnreadableFileError."""
        return stored_page(page, self.file(path), self._cache)

    def file(self, path: Path) -> FileBytes:
        """The open file at ``path``."""
        if path not in self._files:
            self._files[path] = FileBytes(path)
        return self._files[path]

    def close(self) -> None:
        """Close the files and forget what is decoded."""
        for file in self._files.values():
            file.close()
        self._cache.clear()


@contextmanager
def tiff_store() -> Iterator[TiffStore]:
    """Yield a store that is closed at the end."""
    store = TiffStore()
    try:
        yield store
    finally:
        store.close()
