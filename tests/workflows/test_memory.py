"""A whole conversion takes the same memory for an image of three times the pixels; `make bench` has sixteen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

pytest.importorskip("resource", reason="peak memory is measured with getrusage")
TILE_PX = 512
WIDTH_PX = 8192

SCRIPT = """
import resource, sys
from pathlib import Path
from spora_build.workflows.build import build
from spora_build.workflows.convert import ConvertRequest, prepare
from spora_build.workflows.running.free_memory import share_one_pool

share_one_pool()
request = ConvertRequest(raw=Path(sys.argv[1]), name="flat2026memory", out=Path(sys.argv[2]), workers=2)
assert all(outcome.status == "done" for outcome in build(prepare(request), request))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def write_raw(folder: Path, height: int) -> None:
    """One channel of cells on background, in tiles, at one micrometre."""
    rng = np.random.default_rng(0)
    rows, cols = np.mgrid[:TILE_PX, :TILE_PX] / TILE_PX * 2 * np.pi
    light = np.sin(9 * rows) * np.sin(7 * cols)
    field = np.where(light > 0.4, rng.poisson(200, light.shape), rng.poisson(9, light.shape)).astype(np.uint16)

    def tiles() -> Iterator[NDArray[np.uint16]]:
        for at in range(height * WIDTH_PX // TILE_PX**2):
            yield field if at % (WIDTH_PX // TILE_PX) >= 4 else np.zeros_like(field)

    folder.mkdir()
    options = {
        "tile": (TILE_PX, TILE_PX),
        "compression": "zlib",
        "compressionargs": {"level": 1},
        "resolutionunit": "CENTIMETER",
    }
    with tifffile.TiffWriter(folder / "image.tif") as tiff:
        tiff.write(
            tiles(), shape=(height, WIDTH_PX), dtype=np.uint16, resolution=(10_000, 10_000), metadata=None, **options
        )
    (folder / "panel_codex.csv").write_text("channel,marker\n1,CD45\n", encoding="utf-8")
    (folder / "tissues.csv").write_text("image,patient,modality\nimage.tif,P1,codex\n", encoding="utf-8")


def peak_kib(folder: Path, height: int) -> int:
    """Largest resident set of a process that converts an image of this height, with masks, tiles and statistics."""
    folder.mkdir()
    write_raw(folder / "raw", height)
    words = [sys.executable, "-c", SCRIPT, str(folder / "raw"), str(folder)]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
def test_peak_memory_does_not_grow_with_the_image(tmp_path: Path) -> None:
    assert peak_kib(tmp_path / "large", 12_288) <= 1.1 * peak_kib(tmp_path / "small", 4096)
