"""Writes the same multiplex image with us, tensorstore and zarr-python, each in a process of its own.

    python tests/benchmarks/bench_image_writer.py --channels 58 --side 4096 --threads 2

The input is a tiled, zlib-compressed TIFF of blurred photon counts, made once per folder. ``limit`` decodes every tile
and encodes every chunk without writing anything: no writer can be faster with the same codecs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size, Window

TILE = 512


def make_input(path: Path, channels: int, side: int) -> None:
    """A TIFF with one page per channel: smooth structures, background, shot noise; uint16."""
    import tifffile
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)
    half = min(side, 2048)

    unfinished = path.with_suffix(".unfinished")
    with tifffile.TiffWriter(unfinished, bigtiff=True) as tiff:
        for _ in range(channels):
            light = gaussian_filter(rng.standard_normal((half, half), dtype=np.float32), 6, mode="wrap")
            light = np.maximum(light / light.std(), 0.3) * rng.uniform(8, 150) + 4
            counts = rng.poisson(light).astype(np.uint16) * 4
            plane = np.tile(counts, (-(-side // half), -(-side // half)))[:side, :side]
            tiff.write(plane, tile=(TILE, TILE), compression="zlib", metadata=None)
    unfinished.rename(path)


class TiledTiff:
    """The tiles of a TIFF of one page per channel, decoded as fast as imagecodecs can."""

    def __init__(self, path: Path) -> None:
        import tifffile

        with tifffile.TiffFile(path) as tiff:
            pages = list(tiff.pages)
            self.shape = (len(pages), *pages[0].shape)
            self.across = -(-self.shape[2] // TILE)
            self.segments = [list(zip(page.dataoffsets, page.databytecounts, strict=True)) for page in pages]
        self.file = os.open(path, os.O_RDONLY)

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See PixelSource.read."""
        import imagecodecs

        out = np.empty((len(channels), window.height, window.width), np.uint16)
        tile = np.empty((TILE, TILE), np.uint16)
        for n, channel in enumerate(channels):
            for row in range(window.row // TILE * TILE, window.row_stop, TILE):
                for col in range(window.col // TILE * TILE, window.col_stop, TILE):
                    offset, count = self.segments[channel][row // TILE * self.across + col // TILE]
                    imagecodecs.zlib_decode(os.pread(self.file, count, offset), out=tile.reshape(-1).view(np.uint8))
                    t, b = max(row, window.row), min(row + TILE, window.row_stop)
                    left, r = max(col, window.col), min(col + TILE, window.col_stop)
                    out[n, t - window.row : b - window.row, left - window.col : r - window.col] = tile[
                        t - row : b - row, left - col : r - col
                    ]
        return out


def run_ours(source: TiledTiff, out: Path, threads: int) -> None:
    """The writer of this package."""
    from spora_build.store.image import ImageSpec, write_image

    count, height, width = source.shape
    spec = ImageSpec(tuple(f"c{n}" for n in range(count)), Size(height, width), np.dtype("uint16"), 0.5, is_rgb=False)
    write_image(out, spec, source, channels=range(count), block=Size(TILE, TILE), threads=threads)


def run_tensorstore(source: TiledTiff, out: Path, threads: int) -> None:
    """Tensorstore, one row of shards at a time, in the same layout."""
    import tensorstore

    count, height, width = source.shape
    store = tensorstore.open(
        {
            "driver": "zarr3",
            "kvstore": {"driver": "file", "path": str(out)},
            "context": {"data_copy_concurrency": {"limit": threads}, "file_io_concurrency": {"limit": threads}},
            "metadata": _metadata(source.shape),
            "create": True,
        }
    ).result()
    with ThreadPoolExecutor(threads) as pool:
        for row in range(0, height, 1024):
            windows = [
                Window(row, col, min(1024, height - row), min(1024, width - col)) for col in range(0, width, 1024)
            ]
            parts = pool.map(lambda window: source.read(range(count), window), windows)
            store[:, row : row + 1024].write(np.concatenate(list(parts), axis=2)).result()


def run_zarr(source: TiledTiff, out: Path, threads: int) -> None:
    """zarr-python, one row of shards at a time, in the same layout."""
    import zarr
    from zarr.codecs import BloscCodec

    count, height, width = source.shape
    zarr.config.set({"threading.max_workers": threads})
    array = zarr.create_array(
        out,
        shape=source.shape,
        dtype="uint16",
        chunks=(count, 256, 256),
        shards=(count, 1024, 1024),
        compressors=BloscCodec(cname="zstd", clevel=1, shuffle="shuffle", blocksize=2**20),
    )
    for row in range(0, height, 1024):
        window = Window(row, 0, min(1024, height - row), width)
        array[:, row : window.row_stop] = source.read(range(count), window)


def run_limit(source: TiledTiff, out: Path, threads: int) -> None:
    """Decoding and encoding alone, one after the other."""
    from spora_build.store.codec import CODECS, room_for

    count, height, width = source.shape
    windows = [
        Window(row, col, TILE, TILE).clip(Size(height, width))
        for row in range(0, height, TILE)
        for col in range(0, width, TILE)
    ]
    chunk = np.ascontiguousarray(source.read(range(count), Window(0, 0, 256, 256)))

    def decode(window: Window) -> None:
        source.read(range(count), window)

    def encode(window: Window) -> None:
        room = room_for(chunk.nbytes)
        for _ in range(window.height * window.width // 256**2):
            CODECS["blosc-zstd"].encode(chunk, room)

    with ThreadPoolExecutor(threads) as pool:
        for work in (decode, encode):
            start = time.perf_counter()
            list(pool.map(work, windows))
            print(f"   {work.__name__}: {time.perf_counter() - start:.2f} s", file=sys.stderr)


RUNS: dict[str, Callable[[TiledTiff, Path, int], None]] = {
    "limit": run_limit,
    "ours": run_ours,
    "tensorstore": run_tensorstore,
    "zarr": run_zarr,
}


def _metadata(shape: tuple[int, ...]) -> dict[str, Any]:
    from spora_build.store.codec import CODECS, chunk_codecs
    from spora_build.store.shard import INDEX_CODECS

    sharding = {
        "chunk_shape": [shape[0], 256, 256],
        "codecs": chunk_codecs(CODECS["blosc-zstd"], np.dtype("uint16")),
        "index_codecs": INDEX_CODECS,
        "index_location": "end",
    }
    return {
        "shape": list(shape),
        "data_type": "uint16",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [shape[0], 1024, 1024]}},
        "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
        "fill_value": 0,
    }


def child(name: str, path: Path, out: Path, threads: int) -> None:
    """Run one writer and print what the whole process cost."""
    start = time.perf_counter()
    RUNS[name](TiledTiff(path), out, threads)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "wall_s": round(time.perf_counter() - start, 2),
                "cpu_s": round(used.ru_utime + used.ru_stime, 2),
                "peak_mb": round(used.ru_maxrss / 1024),
                "out_mb": round(sum(file.stat().st_size for file in out.rglob("*") if file.is_file()) / 1e6),
            }
        )
    )


def main() -> None:
    """Make the input where it is missing, then run every writer in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=58)
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "spora-build-bench")
    parser.add_argument("--runs", nargs="*", default=list(RUNS))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / f"input-{options.channels}-{options.side}.tif"
    out = options.folder / "out.zarr"
    if options.child:
        child(options.child, path, out, options.threads)
        return
    if not path.exists():
        make_input(path, options.channels, options.side)
    for _ in range(options.rounds):
        for name in options.runs:
            shutil.rmtree(out, ignore_errors=True)
            command = [sys.executable, __file__, *sys.argv[1:], "--child", name]
            print(f"{name:12s}", subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())
    shutil.rmtree(out, ignore_errors=True)


if __name__ == "__main__":
    main()
