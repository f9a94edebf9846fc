"""Sizes and speeds of the codecs that an image may have, beside the published datasets' own.

    python -m tests.benchmarks.codecs               # made-up pixels of every kind
    python -m tests.benchmarks.codecs slide.svs     # the first image of files at hand

Each is written by our writer, then tiles of 224 px at random places are read by zarr-python. CPU time, the least of
all rounds; the codecs take turns.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size, Window
from spora_build.readers import open_rois
from spora_build.store.array_writer import plan_array, write_array
from spora_build.store.codec import CODECS, Blosc, Codec, default_codec
from tests.benchmarks.inputs import made_up_image

PUBLISHED = "published"
ALL: dict[str, Codec] = {
    PUBLISHED: Blosc("lz4", 3, 0, bitshuffle=True),
    **{name: codec for name, codec in CODECS.items() if name != "none"},
    "blosc-zstd, bits": Blosc("zstd", 1, 2**20, bitshuffle=True),
    "blosc-lz4hc": Blosc("lz4hc", 1, 0, bitshuffle=True),
}
KINDS = {
    "multiplex uint16": (58, "uint16", False),
    "multiplex uint8": (7, "uint8", False),
    "RGB": (3, "uint8", True),
    "mass cytometry float32": (40, "float32", False),
}
ROUNDS, TILES, TILE_PX, MOST_PX = 7, 24, 224, 2048


@dataclass
class InMemory:
    """A pixel source over an array (C, H, W)."""

    pixels: NDArray[Any]

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See :meth:`spora_build.model.roi.PixelSource.read`; of all channels."""
        return self.pixels[:, window.row : window.row_stop, window.col : window.col_stop]


def measure(pixels: NDArray[Any], folder: Path) -> dict[str, dict[str, float]]:
    """By codec: ``ratio``, ``encode`` in MB/s of pixels and ``tile_ms`` of an image (C, H, W)."""
    import zarr

    zarr.config.set({"threading.max_workers": 1})
    channels, height, width = pixels.shape
    size, block = Size(height, width), Size(256, 256)
    layout = plan_array(channels, size, pixels.dtype, "none")
    random = np.random.default_rng(0)
    corners = random.integers(0, (height - TILE_PX, width - TILE_PX), (TILES, 2))
    encode_s, tile_s = dict.fromkeys(ALL, np.inf), dict.fromkeys(ALL, np.inf)
    for _ in range(ROUNDS):
        for name, codec in ALL.items():
            array_folder = folder / name
            shutil.rmtree(array_folder, ignore_errors=True)
            write = replace(layout, codec=codec)
            arguments: Any = (array_folder, write, InMemory(pixels), range(channels), block, 1)
            encode_s[name] = min(encode_s[name], _cpu(lambda given=arguments: write_array(*given)))
            array: Any = zarr.open_array(array_folder, mode="r")

            def read(array: Any = array) -> None:
                for row, col in corners:
                    array[:, row : row + TILE_PX, col : col + TILE_PX]

            tile_s[name] = min(tile_s[name], _cpu(read) / TILES)
    return {
        name: {
            "ratio": pixels.nbytes / sum(path.stat().st_size for path in (folder / name).rglob("*") if path.is_file()),
            "encode": pixels.nbytes / encode_s[name] / 1e6,
            "tile_ms": tile_s[name] * 1e3,
        }
        for name in ALL
    }


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _read(path: Path) -> tuple[NDArray[Any], bool]:
    with open_rois(path) as rois:
        roi = rois[0]
        window = Window(0, 0, min(MOST_PX, roi.size.height), min(MOST_PX, roi.size.width))
        if min(window.height, window.width) <= TILE_PX:
            raise SystemExit(f"{path.name} has no room for tiles of {TILE_PX} px")
        return roi.read(range(roi.channel_count), window), roi.is_rgb


def main(*files: str) -> None:
    """Say as JSON, for each kind of pixel or file, what is the default and what each codec took."""
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        if files:
            images = {Path(file).name: _read(Path(file)) for file in files}
        else:
            images = {kind: (made_up_image(*what), what[2]) for kind, what in KINDS.items()}
        for name, (pixels, is_rgb) in images.items():
            default = default_codec(pixels.dtype, is_rgb=is_rgb)
            found[name] = {"default": default, "codecs": measure(pixels, Path(folder))}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
