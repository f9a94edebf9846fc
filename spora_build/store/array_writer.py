"""Writes one sharded Zarr v3 array of shape (C, H, W), pulling its pixels window by window."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size, Window
from spora_build.model.roi import PixelSource
from spora_build.store.atomic import flush_file, make_folder
from spora_build.store.codec import CODECS, MAX_CHUNK_BYTES, Codec, chunk_codecs, room_for
from spora_build.store.shard import INDEX_CODECS, ShardWriter
from spora_build.store.windows import CHUNK_PX, WHOLE, Part, Region, plan_regions, shard_factor

_FEW_WORDS = 256


@dataclass(frozen=True)
class ArrayLayout:
    """What an array will be."""

    channel_count: int
    size: Size
    dtype: np.dtype[Any]
    codec: Codec
    factor: int
    """Chunks along the side of a shard."""

    @property
    def shard_px(self) -> int:
        """Side of a shard."""
        return self.factor * CHUNK_PX

    @property
    def pixel_bytes(self) -> int:
        """Bytes of one pixel of all channels."""
        return self.channel_count * self.dtype.itemsize


def plan_array(channel_count: int, size: Size, dtype: np.dtype[Any], codec: str) -> ArrayLayout:
    """The layout of an image's array. Raises ValueError for pixels that no chunk can hold and for an unknown codec."""
    if codec not in CODECS:
        raise ValueError(f"no codec is called {codec!r}, only {', '.join(CODECS)}")
    if dtype.kind not in "uif":
        raise ValueError(f"images hold integers or floats, not {dtype}")
    layout = ArrayLayout(channel_count, size, dtype.newbyteorder("<"), CODECS[codec], shard_factor(size))
    if layout.pixel_bytes * CHUNK_PX**2 > MAX_CHUNK_BYTES:
        raise ValueError(f"a chunk of {channel_count} channels is larger than a codec takes")
    return layout


def write_array(
    folder: Path,
    layout: ArrayLayout,
    source: PixelSource,
    channels: Sequence[int],
    block: Size,
    threads: int,
    part: Part = WHOLE,
) -> None:
    """Write ``zarr.json`` and a part's shards below ``folder``; chunks that are zero bit for bit are left out.

    Raises what the source raises; the folder is then unfinished.
    """
    make_folder(folder)
    (folder / "zarr.json").write_text(json.dumps(_metadata(layout), indent=2), encoding="utf-8")
    stopped = threading.Event()
    packers = threading.local()

    def fill(region: Region) -> list[Path]:
        if not hasattr(packers, "own"):
            packers.own = _Packer(layout)
        with ExitStack() as shards:
            writers: dict[tuple[int, int], ShardWriter] = {}
            for window in region.windows():
                if stopped.is_set():
                    raise RuntimeError("another worker failed")
                pixels = source.read(channels, window)
                _check(pixels, layout, window)
                packers.own.pack(folder, pixels, window, writers, shards)
                del pixels  # two windows would be alive while the next one is read
        return [writer.path for writer in writers.values()]

    regions = part.of(plan_regions(layout.size, layout.factor, layout.pixel_bytes, block))
    if len(regions) <= 1:
        for region in regions:
            fill(region)
        return
    with (
        ThreadPoolExecutor(1, "spora-build-flush") as flusher,
        ThreadPoolExecutor(min(threads, len(regions)), "spora-build-image") as pool,
    ):
        futures = [pool.submit(fill, region) for region in regions]
        try:
            # to disk while others compute: at the end all threads would wait for it
            flushes = [flusher.submit(flush_file, path) for future in as_completed(futures) for path in future.result()]
            for flush in flushes:
                flush.result()
        except BaseException:
            stopped.set()
            pool.shutdown(cancel_futures=True)
            flusher.shutdown(cancel_futures=True)
            raise


class _Packer:
    """One worker's buffers: a chunk of pixels, and room for its compressed bytes."""

    def __init__(self, layout: ArrayLayout) -> None:
        self._layout = layout
        self._shape = layout.channel_count, CHUNK_PX, CHUNK_PX
        self._chunk: NDArray[Any] | None = None
        self._room = room_for(layout.pixel_bytes * CHUNK_PX**2)

    def pack(
        self,
        folder: Path,
        pixels: NDArray[Any],
        window: Window,
        writers: dict[tuple[int, int], ShardWriter],
        shards: ExitStack,
    ) -> None:
        """Append every chunk of a window to its shard; shards are opened as they are met."""
        factor = self._layout.factor
        for top in range(0, window.height, CHUNK_PX):
            for left in range(0, window.width, CHUNK_PX):
                chunk = self._whole_chunk(pixels[:, top : top + CHUNK_PX, left : left + CHUNK_PX])
                if _is_zero(chunk):
                    continue
                row, chunk_row = divmod((window.row + top) // CHUNK_PX, factor)
                col, chunk_col = divmod((window.col + left) // CHUNK_PX, factor)
                if (row, col) not in writers:
                    path = folder / "c" / "0" / str(row) / str(col)
                    writers[row, col] = shards.enter_context(ShardWriter(path, (factor, factor)))
                encoded = self._layout.codec.encode(chunk, self._room)
                writers[row, col].append(chunk_row, chunk_col, encoded)

    def _whole_chunk(self, part: NDArray[Any]) -> NDArray[Any]:
        """The part as one contiguous chunk, with zeros beyond the image."""
        if part.shape == self._shape and part.flags.c_contiguous and part.dtype == self._layout.dtype:
            return part
        if self._chunk is None:
            self._chunk = np.empty(self._shape, self._layout.dtype)
        _, height, width = part.shape
        self._chunk[:, :height, :width] = part
        if height < CHUNK_PX:
            self._chunk[:, height:] = 0
        if width < CHUNK_PX:
            self._chunk[:, :, width:] = 0
        return self._chunk


def _is_zero(chunk: NDArray[Any]) -> bool:
    """Whether every bit is 0; the first value or a few words tell of most chunks that they are not."""
    if chunk.item(0):
        return False
    words = chunk.reshape(-1).view(np.uint64)
    return not (words[:: max(1, words.size // _FEW_WORDS)].any() or words.any())


def _check(pixels: NDArray[Any], layout: ArrayLayout, window: Window) -> None:
    wanted = (layout.channel_count, window.height, window.width)
    if pixels.shape != wanted or pixels.dtype != layout.dtype.newbyteorder("="):
        raise ValueError(f"the source gave {pixels.dtype} {pixels.shape}, not {layout.dtype} {wanted}")


def _metadata(layout: ArrayLayout) -> dict[str, Any]:
    channels, shard_px = layout.channel_count, layout.shard_px
    sharding = {
        "chunk_shape": [channels, CHUNK_PX, CHUNK_PX],
        "codecs": chunk_codecs(layout.codec, layout.dtype),
        "index_codecs": INDEX_CODECS,
        "index_location": "end",
    }
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [channels, layout.size.height, layout.size.width],
        "data_type": layout.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [channels, shard_px, shard_px]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0.0 if layout.dtype.kind == "f" else 0,
        "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
        "attributes": {},
        "dimension_names": ["c", "y", "x"],
        "storage_transformers": [],
    }
