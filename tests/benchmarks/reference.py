"""What to measure against: the same image written by hand, by tensorstore and by zarr-python.

    python tests/benchmarks/reference.py stream image.ome.tif out.zarr 2
    python tests/benchmarks/reference.py stream folder out 1 2

The numbers are threads, and processes that share the images of a folder.

``stream`` is the limit: nothing but decoding each tile once into a reused buffer, compressing each chunk once, and
appending it to its shard, the index last. No sheet, no checks, no metadata beyond the array's. ``flushed`` is the same
and ends when all shards are on the disk, as whatever takes its place whole in one rename has to.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import google_crc32c
import imagecodecs
import numpy as np
from numpy.typing import NDArray

CHUNK, SHARD = 256, 1024
_codecs: Any = imagecodecs


class TiledTiff:
    """Tiles of a TIFF: one page per channel (deflate), or one RGB page (JPEG)."""

    def __init__(self, path: Path) -> None:
        import tifffile

        with tifffile.TiffFile(path) as tiff:
            pages = list(tiff.pages)
            first: Any = pages[0]
            self.is_rgb = first.samplesperpixel == 3
            count = 3 if self.is_rgb else len(pages)
            self.shape = (count, first.imagelength, first.imagewidth)
            self.dtype = first.dtype
            self.tile = first.tilelength
            self.tables = first.jpegtables
            self.segments = [list(zip(page.dataoffsets, page.databytecounts, strict=True)) for page in pages]
        self.is_plain = self.is_rgb or self.dtype.kind == "f"  # zstd; other pixels are shuffled first, by blosc
        self.across = -(-self.shape[2] // self.tile)
        self.file = os.open(path, os.O_RDONLY)

    def read_into(self, out: NDArray[Any], row: int, col: int, tile: NDArray[Any]) -> None:
        """Fill ``out`` (C, h, w), aligned to tiles, from this corner of the image."""
        size = self.tile
        for top in range(0, out.shape[1], size):
            for left in range(0, out.shape[2], size):
                index = (row + top) // size * self.across + (col + left) // size
                part = out[:, top : top + size, left : left + size]
                for channel, segments in enumerate(self.segments):
                    offset, count = segments[index]
                    data = os.pread(self.file, count, offset)
                    if self.is_rgb:
                        pixels = _codecs.jpeg_decode(data, tables=self.tables, outcolorspace=2)
                        part[...] = np.moveaxis(pixels[: part.shape[1], : part.shape[2]], 2, 0)
                    else:
                        _codecs.deflate_decode(data, out=tile.reshape(-1).view(np.uint8))
                        part[channel] = tile[: part.shape[1], : part.shape[2]]


def stream(source: TiledTiff, out: Path, threads: int, flush: Callable[[Path], object] | None = None) -> None:
    """Row by row of shards, each shard by one thread, window by window of two chunks a side."""
    count, height, width = source.shape
    step = 2 * CHUNK if source.is_rgb is False else SHARD
    options = _encode_options(source)

    def write_shard(corner: tuple[int, int]) -> None:
        window = np.empty((count, step, step), source.dtype)
        chunk = np.zeros((count, CHUNK, CHUNK), source.dtype)
        room = bytearray(chunk.nbytes + chunk.nbytes // 128 + 1024)
        tile = np.empty((source.tile, source.tile), source.dtype)
        index = np.full((SHARD // CHUNK, SHARD // CHUNK, 2), 2**64 - 1, "<u8")
        path = out / "c" / "0" / str(corner[0] // SHARD) / str(corner[1] // SHARD)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb", buffering=0) as file:
            end = 0
            for row in range(corner[0], min(corner[0] + SHARD, height), step):
                for col in range(corner[1], min(corner[1] + SHARD, width), step):
                    part = window[:, : min(step, height - row), : min(step, width - col)]
                    source.read_into(part, row, col, tile)
                    for top in range(0, part.shape[1], CHUNK):
                        for left in range(0, part.shape[2], CHUNK):
                            pixels = part[:, top : top + CHUNK, left : left + CHUNK]
                            if pixels.shape != chunk.shape:
                                chunk[...] = 0
                            chunk[:, : pixels.shape[1], : pixels.shape[2]] = pixels
                            data = memoryview(options(chunk, room))
                            file.write(data)
                            place = (row - corner[0] + top) // CHUNK, (col - corner[1] + left) // CHUNK
                            index[place] = end, data.nbytes
                            end += data.nbytes
            file.write(index.tobytes() + int(google_crc32c.value(index.tobytes())).to_bytes(4, "little"))
        if flush is not None:
            flush(path)

    corners = [(row, col) for row in range(0, height, SHARD) for col in range(0, width, SHARD)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(write_shard, corners))
    (out / "zarr.json").write_text(json.dumps({"zarr_format": 3, "node_type": "array", **metadata(source)}))


def flushed(source: TiledTiff, out: Path, threads: int) -> None:
    """The same, each shard flushed to disk by another thread while the next ones are made."""

    def flush(path: Path) -> None:
        with path.open("rb+") as file:
            os.fsync(file.fileno())

    with ThreadPoolExecutor(1) as flusher:
        waiting: list[Future[None]] = []
        stream(source, out, threads, lambda path: waiting.append(flusher.submit(flush, path)))
        for flushing in waiting:
            flushing.result()


def tensorstore_strips(source: TiledTiff, out: Path, threads: int) -> None:
    """Tensorstore, fed one row of shards at a time."""
    import tensorstore

    store = tensorstore.open(
        {
            "driver": "zarr3",
            "kvstore": {"driver": "file", "path": str(out)},
            "context": {"data_copy_concurrency": {"limit": threads}, "file_io_concurrency": {"limit": threads}},
            "metadata": metadata(source),
            "create": True,
        }
    ).result()
    for row, strip in _strips(source, threads):
        store[:, row : row + strip.shape[1]].write(strip).result()


def zarr_strips(source: TiledTiff, out: Path, threads: int) -> None:
    """zarr-python, fed one row of shards at a time."""
    import zarr
    from zarr.codecs import BloscCodec, ZstdCodec

    count = source.shape[0]
    zarr.config.set({"threading.max_workers": threads})
    codec: Any = ZstdCodec(level=1) if source.is_plain else BloscCodec(cname="lz4", clevel=9, shuffle="bitshuffle")
    array: Any = zarr.create_array(
        out,
        shape=source.shape,
        dtype=source.dtype,
        chunks=(count, CHUNK, CHUNK),
        shards=(count, SHARD, SHARD),
        compressors=codec,
    )
    for row, strip in _strips(source, threads):
        array[:, row : row + strip.shape[1]] = strip


def _strips(source: TiledTiff, threads: int) -> Any:
    count, height, width = source.shape
    with ThreadPoolExecutor(threads) as pool:
        for row in range(0, height, SHARD):
            strip = np.empty((count, min(SHARD, height - row), width), source.dtype)

            def read(col: int, row: int = row, strip: NDArray[Any] = strip) -> None:
                tile = np.empty((source.tile, source.tile), source.dtype)
                source.read_into(strip[:, :, col : col + SHARD], row, col, tile)

            list(pool.map(read, range(0, width, SHARD)))
            yield row, strip


def _encode_options(source: TiledTiff) -> Callable[[NDArray[Any], bytearray], Any]:
    if source.is_plain:
        return lambda chunk, room: _codecs.zstd_encode(chunk, level=1, out=room)
    size = source.dtype.itemsize
    return lambda chunk, room: _codecs.blosc_encode(
        chunk, level=9, compressor="lz4", shuffle=2, typesize=size, blocksize=0, numthreads=1, out=room
    )


def metadata(source: TiledTiff) -> dict[str, Any]:
    """``zarr.json`` with the codecs that we use for such pixels."""
    count = source.shape[0]
    order: dict[str, Any] = {"name": "bytes"}
    if source.dtype.itemsize > 1:
        order["configuration"] = {"endian": "little"}
    blosc = {
        "typesize": source.dtype.itemsize,
        "cname": "lz4",
        "clevel": 9,
        "shuffle": "bitshuffle",
        "blocksize": 0,
    }
    zstd = {"name": "zstd", "configuration": {"level": 1, "checksum": False}}
    sharding = {
        "chunk_shape": [count, CHUNK, CHUNK],
        "codecs": [
            order,
            zstd if source.is_plain else {"name": "blosc", "configuration": blosc},
        ],
        "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
        "index_location": "end",
    }
    return {
        "shape": list(source.shape),
        "data_type": source.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [count, SHARD, SHARD]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
        "fill_value": 0,
        "attributes": {},
    }


RUNS = {"stream": stream, "flushed": flushed, "tensorstore": tensorstore_strips, "zarr": zarr_strips}

if __name__ == "__main__":
    run, image, out, threads, processes = [*sys.argv[1:], "1"][:5]

    def write(path: Path) -> None:
        RUNS[run](TiledTiff(path), Path(out) / path.stem, int(threads))

    paths = sorted(Path(image).glob("*.tif")) if Path(image).is_dir() else [Path(image)]
    if processes == "1":
        list(map(write, paths))
    else:
        with multiprocessing.get_context("fork").Pool(int(processes)) as pool:
            pool.map(write, paths, chunksize=1)
