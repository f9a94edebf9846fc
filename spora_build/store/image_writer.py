"""Images of the dataset, written in flat memory: OME-Zarr 0.5 groups whose array ``0`` is sharded.

By one worker:

    write_image(path, spec, roi, channels=[0, 2], block=roi.block, threads=2)

By several, on several machines, each of which writes some of the shards into a folder beside the image's place:

    folder = temporary_beside(path)
    write_part(folder, spec, roi, part=Part(0, 2), channels=[0, 2], block=roi.block)
    write_part(folder, spec, roi, part=Part(1, 2), channels=[0, 2], block=roi.block)
    finish_image(folder, spec)
    put_in_place(folder, path)
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spora_build.model.geometry import Size
from spora_build.model.roi import PixelSource
from spora_build.store.array_reader import open_array
from spora_build.store.array_writer import ArrayLayout, plan_array, write_array
from spora_build.store.atomic import make_folder, remove, temporary_beside, write_beside
from spora_build.store.codec import default_codec
from spora_build.store.ome_metadata import group_metadata
from spora_build.store.pyramid import Halved, level_sizes
from spora_build.store.windows import WHOLE, Part

ARRAY = "0"
"""The array at full resolution."""


@dataclass(frozen=True)
class ImageSpec:
    """What an image is to be."""

    channel_names: tuple[str, ...]
    size: Size
    dtype: np.dtype[Any]
    mpp: float
    is_rgb: bool
    pyramid: bool = False
    """Smaller levels for viewers beside the array ``0``."""
    codec: str | None = None
    """A name in ``codec.CODECS``; None for the one that suits this kind of pixel."""


def write_image(
    path: Path,
    spec: ImageSpec,
    source: PixelSource,
    *,
    channels: Sequence[int],
    block: Size,
    threads: int = 1,
    confirm: Callable[[], None] | None = None,
) -> None:
    """Write the source's ``channels`` as an image, whole or not at all; the same bytes whatever ``threads``.

    ``block`` is the piece that the source decodes at once (a tile, a strip): windows are aligned to it. ``confirm``
    is called when all pixels were read and may raise: nothing is in place then. Raises what it and the source raise,
    and ValueError for a spec that no image can have.
    """
    layout = _plan(spec, spec.size, channels)
    with write_beside(path, folder=True) as folder:
        write_array(folder / ARRAY, layout, source, channels, block, threads)
        if confirm is not None:
            confirm()
        finish_image(folder, spec, threads=threads)


def write_part(
    folder: Path,
    spec: ImageSpec,
    source: PixelSource,
    *,
    part: Part,
    channels: Sequence[int],
    block: Size,
    threads: int = 1,
) -> int:
    """Write a part of an image's shards into ``folder``; returns how many files of shards there are in it.

    They get there by renames when all of the part is written: a worker that dies, or that was given up and goes on,
    leaves no torn shard where another one writes the same part. What is decoded whole is no more than one part's work.
    """
    layout = _plan(spec, spec.size, channels)
    if block.height >= spec.size.height and block.width >= spec.size.width:
        if part.index:
            return 0
        part = WHOLE
    own = temporary_beside(folder)
    own.mkdir()
    try:
        write_array(own, layout, source, channels, block, threads, part=part)
        files = [file for file in own.rglob("*") if file.is_file()]
        for file in files:
            target = folder / ARRAY / file.relative_to(own)
            make_folder(target.parent)
            file.replace(target)
    finally:
        remove(own)
    return len(files) - 1  # beside the array's metadata, which every part writes alike


def count_shards(folder: Path) -> int:
    """Files of shards that the parts of an image have brought into ``folder``."""
    return sum(1 for path in (folder / ARRAY / "c").rglob("*") if path.is_file())


def finish_image(folder: Path, spec: ImageSpec, *, threads: int = 1) -> None:
    """Make an image of ``folder``, which holds the array ``0``: smaller levels where asked for, and the metadata."""
    sizes = level_sizes(spec.size) if spec.pyramid else [spec.size]
    channels = range(len(spec.channel_names))
    for level, (below, size) in enumerate(itertools.pairwise(sizes)):
        array = open_array(folder / str(level))
        half = Size(max(1, array.chunk.height // 2), max(1, array.chunk.width // 2))
        layout = _plan(spec, size, channels)
        write_array(folder / str(level + 1), layout, Halved(array, below), channels, half, threads)
    factors = [2**level for level in range(len(sizes))]
    metadata = group_metadata(spec.channel_names, spec.dtype, spec.mpp, factors, is_rgb=spec.is_rgb)
    (folder / "zarr.json").write_text(json.dumps(metadata, indent=2), encoding="utf-8")


def _plan(spec: ImageSpec, size: Size, channels: Sequence[int]) -> ArrayLayout:
    if len(channels) != len(spec.channel_names):
        raise ValueError("every channel has a name")
    return plan_array(len(channels), size, spec.dtype, spec.codec or default_codec(spec.dtype, is_rgb=spec.is_rgb))
