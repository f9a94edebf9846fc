"""Hamamatsu .vms slides made by code: an ini file, a JPEG with restart markers, a small map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from PIL import Image


def write_vms(folder: Path, pixels: NDArray[Any], *, mpp: float | None = 0.5) -> Path:
    """Write ``slide.vms`` and its pictures; sides are multiples of 32."""
    height, width = pixels.shape[:2]
    Image.fromarray(pixels).save(folder / "slide.jpg", quality=90, restart_marker_blocks=4, subsampling=0)
    small = pixels[::4, ::4].copy()
    Image.fromarray(small).save(folder / "map.jpg", quality=90, restart_marker_rows=1, subsampling=0)
    lines = ["[Virtual Microscope Specimen]", "NoLayers=1", "NoJpegColumns=1", "NoJpegRows=1"]
    lines += ["ImageFile=slide.jpg", "MapFile=map.jpg", "SourceLens=20"]
    if mpp is not None:
        lines += [f"PhysicalWidth={round(width * mpp * 1000)}", f"PhysicalHeight={round(height * mpp * 1000)}"]
    path = folder / "slide.vms"
    path.write_text("\n".join(lines) + "\n")
    return path
