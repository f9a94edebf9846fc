"""Cells where a lab has no masks: stored images in, a label mask of each tissue in the private folder out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.model.modality import Modality
from spora_build.model.report import Outcome, Status
from spora_build.segmenters import Planes, find_segmenter
from spora_build.store.atomic import write_beside
from spora_build.store.image import StoredImage, open_image
from spora_build.store.layout import Layout
from spora_build.store.mask import write_mask_bands
from spora_build.workflows.running.guard import guarded

STAGE = "segment"
COUNTED = ("imc", "mibi")
"""Modalities whose pixels are counts of ions."""


@dataclass(frozen=True)
class SegmentJob:
    """One tissue to segment."""

    root: Path
    tissue_id: str
    modality: Modality
    mpp: float
    nuclear: tuple[str, ...]
    """Names of the nuclear channels that the tissue has."""
    bodies: tuple[str, ...]
    """Names of the channels that show cell bodies."""
    method: str
    settings: Any
    software: Mapping[str, Any] = field(repr=False)
    """What the method tells of itself: versions, parameters, weights."""
    out: Path
    """Label mask (.npz), not numbered 1…N yet; what made it stands beside it (.json)."""


def segment_one(job: SegmentJob) -> Outcome:
    """Write the tissue's label mask; every error becomes part of the outcome."""
    return guarded(job.tissue_id, STAGE, lambda: _segment(job))


def _segment(job: SegmentJob) -> Outcome:
    image = open_image(Layout(job.root).image(job.modality, job.mpp, job.tissue_id))
    if not job.nuclear:
        raise InvalidDataError(
            Problem(
                "E-SEG-001",
                "this tissue has no nuclear channel.",
                "name one with --nuclear, or mark it in the column is_nuclear_marker of the panel.",
                Place(file=job.tissue_id),
            )
        )
    bands = find_segmenter(job.method).label_bands(_planes(image, job), job.settings)
    write_mask_bands(job.out, (image.size.height, image.size.width), np.dtype(np.uint32), bands)
    with write_beside(job.out.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(provenance(job), indent=1) + "\n", encoding="utf-8")
    seen = ", ".join((*job.nuclear, *job.bodies))
    return Outcome(job.tissue_id, STAGE, Status.DONE, (), f"{job.method}: {seen} of {job.modality}")


def _planes(image: StoredImage, job: SegmentJob) -> Planes:
    channels = [image.channel_names.index(name) for name in (*job.nuclear, *job.bodies)]
    return Planes(
        image.size,
        job.mpp,
        lambda window: image.read(channels, window),
        nuclear=len(job.nuclear),
        counts=job.modality.name in COUNTED,
    )


def provenance(job: SegmentJob) -> dict[str, Any]:
    """What made the mask: method, version, parameters, channels."""
    return {
        "method": job.method,
        **job.software,
        "modality": job.modality.name,
        "mpp": job.mpp,
        "nuclear_channels": list(job.nuclear),
        "body_channels": list(job.bodies),
    }
