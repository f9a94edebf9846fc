"""One file of Zarr's ``sharding_indexed`` layout: chunks one after another, then where each of them is.

The index is one (offset, length) pair of little-endian uint64 per chunk, in row-major order, 2⁶⁴ − 1 twice for a
chunk that holds nothing but the fill value, followed by its CRC-32C.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import TracebackType

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from spora_build.store.atomic import make_folder

MISSING = 2**64 - 1
INDEX_CODECS = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
_CHECKSUM_BYTES = 4


class ShardWriter:
    """Appends compressed chunks to a shard; the index is written when the ``with`` block ends well.

    A shard without any chunk leaves no file, as zarr-python does.
    """

    def __init__(self, path: Path, grid: tuple[int, int]) -> None:
        self.path = path
        self._index = np.full((*grid, 2), MISSING, "<u8")
        self._file: io.FileIO | None = None
        self._end = 0

    def append(self, row: int, col: int, data: memoryview) -> None:
        """Write the chunk at this row and column of the shard's grid of chunks."""
        if self._file is None:
            make_folder(self.path.parent)
            self._file = self.path.open("wb", buffering=0)
        _write_all(self._file, data)
        self._index[row, col] = self._end, data.nbytes
        self._end += data.nbytes

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        try:
            if kind is None:
                index = self._index.tobytes()
                _write_all(self._file, memoryview(index + _checksum(index)))
        finally:
            self._file.close()


def read_index(file: io.FileIO, grid: tuple[int, int]) -> NDArray[np.uint64]:
    """Offsets and lengths of a shard's chunks, shape (rows, cols, 2). Raises ValueError where the shard is damaged."""
    nbytes = grid[0] * grid[1] * 16
    size = os.fstat(file.fileno()).st_size
    start = size - nbytes - _CHECKSUM_BYTES
    if start < 0:
        raise ValueError("the shard is shorter than its index")
    tail = read_at(file, start, nbytes + _CHECKSUM_BYTES)
    if _checksum(tail[:nbytes]) != tail[nbytes:]:
        raise ValueError("the shard's index does not match its checksum")
    index = np.frombuffer(tail[:nbytes], "<u8").reshape(*grid, 2)
    present = index[index[..., 0] != MISSING]
    if present.size and (present.max() > start or int((present[:, 0] + present[:, 1]).max()) > start):
        raise ValueError("the shard's index points beyond its end")
    return index


def read_at(file: io.FileIO, offset: int, nbytes: int) -> bytes:
    """Exactly these bytes of a file. Raises ValueError where it ends before."""
    file.seek(offset)
    data = file.read(nbytes)
    while data is not None and len(data) < nbytes:
        more = file.read(nbytes - len(data))
        if not more:
            break
        data += more
    if data is None or len(data) != nbytes:
        raise ValueError("the file ends too early")
    return data


def _write_all(file: io.FileIO, data: memoryview) -> None:
    rest = data.cast("B")
    while rest:
        rest = rest[file.write(rest) :]


def _checksum(data: bytes) -> bytes:
    return int(google_crc32c.value(data)).to_bytes(_CHECKSUM_BYTES, "little")
