"""Pixels of one .mcd acquisition: float32 records of X, Y, Z and every channel, in the order of ablation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import Place, Problem, UnreadableFileError
from spora_build.model.geometry import Size, Window
from spora_build.readers._file_bytes import FileBytes
from spora_build.readers._segment_cache import SegmentCache

COORDINATES = 3
"""X, Y and Z come before the channels in every record."""
VALUE_BYTES = 4
_PIECE_BYTES = 8 * 2**20


@dataclass(frozen=True)
class Records:
    """Where the records of an acquisition lie in its file."""

    offset: int
    count: int
    channel_count: int
    size: Size

    @property
    def record_bytes(self) -> int:
        """Bytes of one pixel."""
        return (COORDINATES + self.channel_count) * VALUE_BYTES


class McdPixels:
    """Windowed reading: a window's rows are one run of records where the raster is complete and in order.

    Every window proves that from the coordinates it reads. An acquisition in another order is placed pixel by pixel,
    whole, once. Pixels that were never ablated are 0.
    """

    def __init__(self, file: FileBytes, records: Records, cache: SegmentCache) -> None:
        self._file = file
        self._records = records
        self._cache = cache

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See :class:`~spora_build.model.roi.PixelSource`."""
        pixels = np.zeros((len(channels), window.height, window.width), dtype=np.float32)
        if self._read_raster(list(channels), window, pixels):
            return pixels
        image = self._cache.get(self, self._place_all)
        rows, cols = window.slices
        return np.ascontiguousarray(image[:, rows, cols][list(channels)])

    def _read_raster(self, channels: list[int], window: Window, out: NDArray[np.float32]) -> bool:
        """Fill ``out`` from the rows' own records; False where the records are not in raster order."""
        width = self._records.size.width
        rows_per_piece = max(1, _PIECE_BYTES // (self._records.record_bytes * width))
        for row in range(window.row, window.row_stop, rows_per_piece):
            row_stop = min(row + rows_per_piece, window.row_stop)
            first, stop = row * width, min(row_stop * width, self._records.count)
            if stop <= first:
                break
            records = self._read_records(first, stop)
            index = np.arange(first, stop)
            if not ((records[:, 0] == index % width).all() and (records[:, 1] == index // width).all()):
                return False
            whole_rows = len(records) // width
            self._copy(records[: whole_rows * width], channels, window, out[:, row - window.row :][:, :whole_rows])
            rest = records[whole_rows * width :][window.col : window.col_stop, COORDINATES:]
            if len(rest):
                out[:, row - window.row + whole_rows, : len(rest)] = rest[:, channels].T
        return True

    def _copy(
        self, records: NDArray[np.float32], channels: list[int], window: Window, out: NDArray[np.float32]
    ) -> None:
        grid = records.reshape(-1, self._records.size.width, records.shape[1])[:, window.slices[1]]
        for plane, channel in zip(out, channels, strict=True):
            plane[...] = grid[:, :, COORDINATES + channel]

    def _place_all(self) -> NDArray[np.float32]:
        size = self._records.size
        image = np.zeros((self._records.channel_count, size.height, size.width), dtype=np.float32)
        for records in self._pieces():
            places = records[:, :2]
            inside = (places >= 0) & (places < (size.width, size.height)) & (places == np.floor(places))
            if not inside.all():
                raise UnreadableFileError(
                    Problem(
                        "E-READ-126",
                        f"an acquisition has pixels outside its own {size.height} × {size.width} pixels.",
                        "list the acquisition's text file in tissues.csv instead, or copy the .mcd file again.",
                        Place(file=self._file.name),
                    )
                )
            cols, rows = places.astype(np.intp).T
            image[:, rows, cols] = records[:, COORDINATES:].T
        return image

    def _pieces(self) -> Iterator[NDArray[np.float32]]:
        step = max(1, _PIECE_BYTES // self._records.record_bytes)
        for first in range(0, self._records.count, step):
            yield self._read_records(first, min(first + step, self._records.count))

    def _read_records(self, first: int, stop: int) -> NDArray[np.float32]:
        size = self._records.record_bytes
        content = self._file.read(self._records.offset + first * size, (stop - first) * size)
        values: NDArray[np.float32] = np.frombuffer(content, dtype="<f4").astype(np.float32, copy=False)
        return values.reshape(stop - first, -1)
