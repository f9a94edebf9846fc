"""What ImageJ and tifffile write into a stack's first page: axes, names, unit."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from spora_build.readers._file_bytes import damaged


@dataclass(frozen=True)
class StackHeader:
    """Axes beyond y and x, names and unit of a stack, as far as its header says."""

    kind: str = "TIFF"
    sizes: dict[str, int] = field(default_factory=dict)
    """Length of each axis of planes; empty where nothing is known."""
    names: tuple[str, ...] = ()
    unit: str = ""
    planes: int = 0
    """Planes that the header promises, 0 where it does not say."""
    is_channel_fastest: bool = True
    """Whether planes that follow each other are channels first, then slices or time points."""


def imagej_header(tiff: Any) -> StackHeader | None:
    """The header of an ImageJ hyperstack; None for other files."""
    meta = tiff.imagej_metadata if tiff.is_imagej else None
    if not meta:
        return None
    sizes = {axis: _count(meta.get(key)) for axis, key in (("C", "channels"), ("Z", "slices"), ("T", "frames"))}
    images = _count(meta.get("images"))
    if math.prod(sizes.values()) not in {1, images}:  # headers of edited stacks keep old numbers
        sizes = {"C": images}
    labels = meta.get("Labels")
    names = tuple(str(label).strip() for label in labels) if isinstance(labels, list) else ()
    unit = str(meta.get("unit") or "")
    return StackHeader("ImageJ TIFF", sizes, names if len(names) == images else (), unit, images)


def shaped_header(page: Any) -> StackHeader | None:
    """The JSON that tifffile leaves in ImageDescription; None for other files."""
    text = page.description or ""
    if not text.startswith("{"):
        return None
    try:
        meta = json.loads(text)
    except ValueError:
        return None
    shape = meta.get("shape") if isinstance(meta, dict) else None
    if not (isinstance(shape, list) and all(isinstance(size, int) and size > 0 for size in shape)):
        return None
    axes = meta.get("axes")
    sizes: dict[str, int] = {}
    if isinstance(axes, str) and len(axes) == len(shape):
        for axis, size in zip(axes, shape, strict=True):
            if axis not in "YXS":
                sizes[axis] = sizes.get(axis, 1) * size
    channel = meta.get("Channel")
    names = channel.get("Name") if isinstance(channel, dict) else meta.get("channel_names")
    given = tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()
    pixels = page.imagelength * page.imagewidth * page.samplesperpixel
    is_channel_fastest = list(sizes)[-1:] == ["C"]
    return StackHeader("TIFF", sizes, given, "", math.prod(shape) // pixels, is_channel_fastest)


def virtual_pages(pages: Sequence[Any], header: StackHeader, file_size: int) -> list[Any] | None:
    """One page per plane of a stack whose planes follow each other behind a single header page; None for other stacks.

    ImageJ writes stacks beyond 4 GB like that, and tifffile where it is told to truncate. Raises UnreadableFileError
    where the file ends before the last plane.
    """
    page = pages[0]
    if len(pages) != 1 or header.planes < 2 or not page.is_contiguous or page.samplesperpixel != 1:
        return None
    length = page.imagelength * page.imagewidth * page.dtype.itemsize
    start = page.dataoffsets[0]
    if start + header.planes * length > file_size:
        raise damaged(page.parent.filename, f"its header promises {header.planes} planes, the file ends before them")
    planes = []
    for number in range(header.planes):
        plane = copy.copy(page)
        plane.rowsperstrip = page.imagelength
        plane.dataoffsets = (start + number * length,)
        plane.databytecounts = (length,)
        plane.offset = page.offset + number
        planes.append(plane)
    return planes


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 1
