"""Reads arrays of shape (C, H, W): those laid out as ours with a reader of our own, all others with zarr-python."""

from __future__ import annotations

import errno
import io
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size, Window
from spora_build.store.codec import Decode, find_decoder
from spora_build.store.shard import INDEX_CODECS, MISSING, read_at, read_index

Json = dict[str, Any]
_MOST_INDEXES = 1024
_scratch = threading.local()


class StoredArray(Protocol):
    """An array that can be read by window."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Native byte order."""
        ...

    @property
    def chunk(self) -> Size:
        """The piece that is decoded at once."""
        ...

    @property
    def shard(self) -> Size:
        """The piece that lies in one file."""
        ...

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See PixelSource.read. Raises ValueError, RuntimeError or OSError where the array is damaged."""
        ...


@dataclass(frozen=True)
class ShardedArray:
    """A Zarr v3 array in shards whose chunks hold all channels; no global state, no lock, nothing kept open."""

    folder: Path
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    chunk: Size
    shard: Size
    decode: Decode
    _indexes: dict[tuple[int, int], NDArray[np.uint64] | None] = field(default_factory=dict, compare=False, repr=False)

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See StoredArray.read."""
        out = np.empty((len(channels), window.height, window.width), self.dtype)
        for row in range(window.row // self.shard.height, -(-window.row_stop // self.shard.height)):
            for col in range(window.col // self.shard.width, -(-window.col_stop // self.shard.width)):
                self._read_shard(row, col, channels, window, out)
        return out

    def _read_shard(self, row: int, col: int, channels: Sequence[int], window: Window, out: NDArray[Any]) -> None:
        top, left = row * self.shard.height, col * self.shard.width
        part = _overlap(window, Window(top, left, self.shard.height, self.shard.width))
        known = self._indexes.get((row, col), ...)
        if known is None:
            _part_of(out, window, part)[...] = 0
            return
        try:
            file = (self.folder / "c" / "0" / str(row) / str(col)).open("rb", buffering=0)
        except FileNotFoundError:
            refuse_if_gone(self.folder)
            self._remember(row, col, None)
            _part_of(out, window, part)[...] = 0
            return
        with file:
            if known is ...:
                grid = self.shard.height // self.chunk.height, self.shard.width // self.chunk.width
                known = read_index(file, grid)
                self._remember(row, col, known)
            for i in range((part.row - top) // self.chunk.height, -(-(part.row_stop - top) // self.chunk.height)):
                for j in range((part.col - left) // self.chunk.width, -(-(part.col_stop - left) // self.chunk.width)):
                    corner = top + i * self.chunk.height, left + j * self.chunk.width
                    chunk = Window(*corner, self.chunk.height, self.chunk.width)
                    offset, nbytes = int(known[i, j, 0]), int(known[i, j, 1])
                    if offset == MISSING:
                        _part_of(out, window, _overlap(window, chunk))[...] = 0
                    elif window == chunk and self._are_all(channels) and self._stored.isnative:
                        self.decode(read_at(file, offset, nbytes), out.reshape(-1).view(np.uint8))
                    else:
                        self._copy(self._read_chunk(file, offset, nbytes), chunk, channels, window, out)

    @property
    def _stored(self) -> np.dtype[Any]:
        return self.dtype.newbyteorder("<")

    def _read_chunk(self, file: io.FileIO, offset: int, nbytes: int) -> NDArray[Any]:
        shape = self.shape[0], self.chunk.height, self.chunk.width
        buffer = _thread_buffer(self.dtype.itemsize * shape[0] * shape[1] * shape[2])
        self.decode(read_at(file, offset, nbytes), buffer)
        return buffer.view(self._stored).reshape(shape)

    def _copy(
        self, pixels: NDArray[Any], chunk: Window, channels: Sequence[int], window: Window, out: NDArray[Any]
    ) -> None:
        part = _overlap(window, chunk)
        target, inside = _part_of(out, window, part), _part_of(pixels, chunk, part)
        if self._are_all(channels):
            target[...] = inside
            return
        for n, channel in enumerate(channels):
            target[n] = inside[channel]

    def _are_all(self, channels: Sequence[int]) -> bool:
        return list(channels) == list(range(self.shape[0]))

    def _remember(self, row: int, col: int, index: NDArray[np.uint64] | None) -> None:
        if len(self._indexes) >= _MOST_INDEXES:
            self._indexes.clear()
        self._indexes[row, col] = index


@dataclass(frozen=True)
class ForeignArray:
    """Any other array, read by zarr-python."""

    folder: Path
    array: Any
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    chunk: Size
    shard: Size
    channels_per_chunk: int

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See StoredArray.read."""
        out = np.empty((len(channels), window.height, window.width), self.dtype)
        if self.channels_per_chunk == 1:
            for n, channel in enumerate(channels):
                out[n] = self.array[channel, *window.slices]
        elif channels:
            # a plain slice: zarr-python's lists of indices cost seconds in large shards
            first = min(channels)
            part = self.array[first : max(channels) + 1, *window.slices]
            for n, channel in enumerate(channels):
                out[n] = part[channel - first]
        refuse_if_gone(self.folder)
        return out


def refuse_if_gone(folder: Path) -> None:
    """Raise FileNotFoundError where an array was moved away: a missing piece stands for zeros in one that is there."""
    if not any((folder / name).is_file() for name in ("zarr.json", ".zarray")):
        raise FileNotFoundError(errno.ENOENT, "the array is gone", str(folder))


def open_array(folder: Path) -> StoredArray:
    """The array in a folder. Raises OSError, ValueError, KeyError or TypeError where there is none that can be read."""
    metadata_file = folder / "zarr.json"
    if metadata_file.is_file():
        own = _open_own(folder, json.loads(metadata_file.read_text(encoding="utf-8")))
        if own is not None:
            return own
    return _open_foreign(folder)


def _open_own(folder: Path, metadata: Json) -> ShardedArray | None:
    codecs = metadata["codecs"]
    if len(codecs) != 1 or codecs[0].get("name") != "sharding_indexed" or metadata.get("storage_transformers"):
        return None
    sharding = codecs[0]["configuration"]
    shape, chunk = metadata["shape"], sharding["chunk_shape"]
    shard = metadata["chunk_grid"].get("configuration", {}).get("chunk_shape")
    data_type = metadata["data_type"]
    dtype = np.dtype(data_type) if data_type in _DATA_TYPES else None
    decode = find_decoder(sharding["codecs"], dtype) if dtype is not None else None
    ours = (
        metadata["chunk_grid"]["name"] == "regular"
        and metadata["chunk_key_encoding"].get("name") == "default"
        and metadata["chunk_key_encoding"].get("configuration", {}).get("separator", "/") == "/"
        and metadata["fill_value"] == 0
        and sharding["index_codecs"] == INDEX_CODECS
        and sharding.get("index_location", "end") == "end"
        and len(shape) == len(chunk) == len(shard) == 3
        and shape[0] == chunk[0] == shard[0]
        and shard[1] % chunk[1] == shard[2] % chunk[2] == 0
    )
    if not ours or dtype is None or decode is None:
        return None
    return ShardedArray(folder, (shape[0], shape[1], shape[2]), dtype, Size(*chunk[1:]), Size(*shard[1:]), decode)


_DATA_TYPES = {f"{kind}{bits}" for kind in ("uint", "int") for bits in (8, 16, 32, 64)} | {"float32", "float64"}


def _open_foreign(folder: Path) -> ForeignArray:
    import zarr

    array = zarr.open_array(folder, mode="r")
    if array.ndim != 3:
        raise ValueError("the array has no three axes")
    c, h, w = (int(n) for n in array.shape)
    shard = array.shards or array.chunks
    return ForeignArray(
        folder,
        array,
        (c, h, w),
        np.dtype(array.dtype).newbyteorder("="),
        Size(*array.chunks[1:]),
        Size(*shard[1:]),
        array.chunks[0],
    )


def _overlap(a: Window, b: Window) -> Window:
    row, col = max(a.row, b.row), max(a.col, b.col)
    return Window(row, col, min(a.row_stop, b.row_stop) - row, min(a.col_stop, b.col_stop) - col)


def _part_of(pixels: NDArray[Any], window: Window, part: Window) -> NDArray[Any]:
    """Those of the pixels of a window that lie in a part of it."""
    top, left = part.row - window.row, part.col - window.col
    return pixels[:, top : top + part.height, left : left + part.width]


def _thread_buffer(nbytes: int) -> NDArray[np.uint8]:
    """A buffer of this thread's own; fresh memory for every chunk costs a third of the speed."""
    buffer: NDArray[np.uint8] | None = getattr(_scratch, "buffer", None)
    if buffer is None or buffer.nbytes < nbytes:
        buffer = _scratch.buffer = np.empty(nbytes, np.uint8)
    return buffer[:nbytes]
