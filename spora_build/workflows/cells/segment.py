"""Cells where a lab has no masks: stored images in, a label mask of each tissue in the private folder out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build import __version__
from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.model.geometry import Size, Window
from spora_build.model.modality import Modality
from spora_build.model.report import Outcome, Status
from spora_build.pixels.nuclei import Levels, NucleiSettings, find_levels, halo_px, segment, stain
from spora_build.store.atomic import write_beside
from spora_build.store.image import StoredImage, open_image
from spora_build.store.layout import Layout
from spora_build.store.mask import write_mask_bands
from spora_build.workflows.running.guard import guarded

STAGE = "segment"
METHOD = "nuclei"
TILE_PX = 1024
_SAMPLES = 8
"""Windows along each axis from which an image's levels are taken."""
_SAMPLE_PX = 256


@dataclass(frozen=True)
class SegmentJob:
    """One tissue to segment."""

    root: Path
    tissue_id: str
    modality: Modality
    mpp: float
    nuclear: tuple[str, ...]
    """Names of the nuclear channels."""
    settings: NucleiSettings
    out: Path
    """Label mask (.npz), not numbered 1…N yet; what made it stands beside it (.json)."""
    tile_px: int = TILE_PX


def segment_one(job: SegmentJob) -> Outcome:
    """Write the tissue's label mask; every error becomes part of the outcome."""
    return guarded(job.tissue_id, STAGE, lambda: _segment(job))


def _segment(job: SegmentJob) -> Outcome:
    image = open_image(Layout(job.root).image(job.modality, job.mpp, job.tissue_id))
    channels = [at for at, name in enumerate(image.channel_names) if name in job.nuclear]
    if not channels:
        raise InvalidDataError(
            Problem(
                "E-SEG-001",
                "this tissue has no nuclear channel.",
                "name one with --nuclear, or mark it in the column is_nuclear_marker of the panel.",
                Place(file=job.tissue_id),
            )
        )
    levels = find_levels(list(_samples(image, channels)), job.mpp, job.settings)
    bands = label_bands(image, channels, job.mpp, job.settings, levels, job.tile_px)
    write_mask_bands(job.out, (image.size.height, image.size.width), np.dtype(np.uint32), bands)
    with write_beside(job.out.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(provenance(job), indent=1) + "\n", encoding="utf-8")
    return Outcome(job.tissue_id, STAGE, Status.DONE, (), f"{', '.join(job.nuclear)} of {job.modality}")


def provenance(job: SegmentJob) -> dict[str, Any]:
    """What made the mask: method, version, parameters, channels."""
    return {
        "method": METHOD,
        "software": f"spora-build {__version__}",
        "modality": job.modality.name,
        "mpp": job.mpp,
        "nuclear_channels": list(job.nuclear),
        "parameters": asdict(job.settings),
    }


def _samples(image: StoredImage, channels: list[int]) -> Iterator[NDArray[Any]]:
    """Windows spread evenly over the image, whatever its tiling."""
    rows, cols = (_starts(length) for length in (image.size.height, image.size.width))
    for row in rows:
        for col in cols:
            height, width = min(_SAMPLE_PX, image.size.height - row), min(_SAMPLE_PX, image.size.width - col)
            yield image.read(channels, Window(row, col, height, width))


def _starts(length: int) -> list[int]:
    count = min(_SAMPLES, -(-length // _SAMPLE_PX))
    if count == 1:
        return [0]
    return sorted({round(at * (length - _SAMPLE_PX) / (count - 1)) for at in range(count)})


def label_bands(
    image: StoredImage, channels: list[int], mpp: float, settings: NucleiSettings, levels: Levels, tile_px: int
) -> Iterator[NDArray[np.uint32]]:
    """The labels of an image in bands of ``tile_px`` rows; the same ones whatever the tile."""
    halo, size = halo_px(settings, mpp), image.size
    for row in range(0, size.height, tile_px):
        band = np.zeros((min(tile_px, size.height - row), size.width), np.uint32)
        for col in range(0, size.width, tile_px):
            window = _around(row, col, tile_px, halo, size)
            plane = stain(image.read(channels, window), levels.scales, settings)
            labels = segment(plane, window, size, mpp, settings, levels)
            top, left = row - window.row, col - window.col
            width = min(tile_px, size.width - col)
            band[:, col : col + width] = labels[top : top + len(band), left : left + width]
        yield band


def _around(row: int, col: int, tile_px: int, halo: int, size: Size) -> Window:
    top, left = max(0, row - halo), max(0, col - halo)
    bottom, right = min(size.height, row + tile_px + halo), min(size.width, col + tile_px + halo)
    return Window(top, left, bottom - top, right - left)
