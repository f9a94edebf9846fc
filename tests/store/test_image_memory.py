"""Memory stays where it is when images grow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="peak memory is measured with getrusage")

SCRIPT = """
import resource, sys
from pathlib import Path
import numpy as np
from spora_build.model.geometry import Size, Window
from spora_build.store.image import open_image
from spora_build.store.image_writer import ImageSpec, write_image

class Pattern:
    def read(self, channels, window):
        rows = np.arange(window.row, window.row_stop, dtype=np.uint16)[:, None]
        cols = np.arange(window.col, window.col_stop, dtype=np.uint16)
        return np.stack([(rows ^ cols) + np.uint16(channel) for channel in channels])

path, side, block = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
spec = ImageSpec(("a", "b"), Size(side, side), np.dtype("uint16"), 0.5, is_rgb=False, pyramid=True)
write_image(path, spec, Pattern(), channels=[0, 1], block=Size(block, block), threads=2)
image = open_image(path)
last = Window(side - 300, side - 300, 300, 300)
assert (image.read([0, 1], last) == Pattern().read([0, 1], last)).all()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak(path: Path, side: int, block: int) -> int:
    """Largest resident set of a process that writes an image of this side."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path), str(side), str(block)], check=True, capture_output=True, text=True
    )
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("block", [256, 512])
def test_peak_memory_is_flat(tmp_path: Path, block: int) -> None:
    small = peak(tmp_path / "small.zarr", 4096, block)
    assert peak(tmp_path / "large.zarr", 16_384, block) <= 1.1 * small
