"""One tissue's images: raw pixels in, one OME-Zarr per modality and pixel size out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.model.geometry import Size
from spora_build.model.report import Outcome, Status
from spora_build.model.roi import PixelSource
from spora_build.pixels.rescale import Rescaled
from spora_build.readers import open_rois
from spora_build.store.image import ImageSpec, open_image, write_image
from spora_build.store.layout import Layout
from spora_build.store.ledger import fingerprint_file
from spora_build.workflows.images.find_overlay import overlay_notes
from spora_build.workflows.images.watch import WatchedPixels
from spora_build.workflows.planning.plan import PlannedImage, PlannedOutput, PlannedTissue
from spora_build.workflows.running.guard import guarded

STAGE = "images"


@dataclass(frozen=True)
class ImagesJob:
    """The images of one tissue that are to be written."""

    root: Path
    tissue: PlannedTissue
    wanted: tuple[tuple[int, float], ...]
    """(index of the image in the tissue, mpp), everything else is there already."""
    states: tuple[str, ...] = field(default=(), repr=False)
    """:func:`fingerprint_file` of each image's raw file when it was planned; empty where nobody looked."""
    codec: str | None = None
    pyramid: bool = False
    zero_nonfinite: bool = False
    threads: int = 1


@dataclass(frozen=True)
class ImagesOutcome:
    """How the images of a tissue went, and what was seen of their channels on the way."""

    outcome: Outcome
    nonzero: tuple[tuple[int, tuple[bool, ...]], ...] = field(default=())
    """(index of the image in the tissue, which of its channels held anything but zero)."""


def write_tissue(job: ImagesJob) -> ImagesOutcome:
    """Write the wanted images of one tissue; every error becomes part of the outcome."""
    nonzero: list[tuple[int, tuple[bool, ...]]] = []

    def write() -> Outcome:
        problems: list[Problem] = []
        for index, image in enumerate(job.tissue.images):
            mpps = [mpp for at, mpp in job.wanted if at == index]
            if mpps:
                seen, notes = _write_image(job, image, mpps)
                problems += notes
                if seen is not None:
                    nonzero.append((index, seen))
        return Outcome(job.tissue.tissue_id, STAGE, Status.DONE, tuple(problems), _detail(job))

    return ImagesOutcome(guarded(job.tissue.tissue_id, STAGE, write), tuple(nonzero))


def _write_image(
    job: ImagesJob, image: PlannedImage, mpps: list[float]
) -> tuple[tuple[bool, ...] | None, list[Problem]]:
    layout = Layout(job.root)
    outputs = sorted((o for o in image.outputs if o.mpp in mpps), key=lambda output: output.mpp)
    stored = layout.image(image.modality, image.native_mpp, job.tissue.tissue_id)
    place = Place(file=image.shown_name)
    count = range(len(image.channels))
    notes: list[Problem] = []
    seen: tuple[bool, ...] | None = None
    if outputs[0].mpp == image.native_mpp or not stored.exists():
        with open_rois(image.path) as rois:
            roi = rois[image.series]
            if roi.size != image.size:
                raise InvalidDataError(_changed(place))
            watched = WatchedPixels(roi, image.channels, place, job.zero_nonfinite)
            same = partial(_refuse_changed, job, image)
            first, *outputs = outputs
            _write(job, image, first, watched, roi.block, image.channels, image.size, same)
            if first.mpp != image.native_mpp:
                for output in outputs:
                    _write(job, image, output, watched, roi.block, image.channels, image.size, same)
                outputs = []
        seen = tuple(bool(value) for value in watched.nonzero)
        if not image.modality.is_multiplex:
            notes += overlay_notes(open_image(layout.image(image.modality, first.mpp, job.tissue.tissue_id)), place)
        if watched.nonfinite:
            notes.append(
                Problem(
                    "W-READ-021",
                    f"{watched.nonfinite} NaN or infinite values were written as 0.",
                    "nothing to do: spora.toml asks for it.",
                    place,
                )
            )
    if outputs:
        # what was just written equals the source bit for bit and decodes faster than most raw files
        native = open_image(stored)
        for output in outputs:
            _write(job, image, output, native, native.block, tuple(count), native.size)
    return seen, notes


def _write(
    job: ImagesJob,
    image: PlannedImage,
    output: PlannedOutput,
    source: PixelSource,
    block: Size,
    channels: tuple[int, ...],
    source_size: Size,
    confirm: Callable[[], None] | None = None,
) -> None:
    spec = ImageSpec(
        channel_names=image.channel_names,
        size=output.size,
        dtype=np.dtype(image.dtype),
        mpp=output.mpp,
        is_rgb=not image.modality.is_multiplex,
        pyramid=job.pyramid,
        codec=job.codec,
    )
    if output.mpp != image.native_mpp or output.size != source_size:
        rescaled = Rescaled(source, source_size, output.mpp / image.native_mpp, output.size)
        source, block = rescaled, rescaled.block
    path = Layout(job.root).image(image.modality, output.mpp, job.tissue.tissue_id)
    write_image(path, spec, source, channels=channels, block=block, threads=job.threads, confirm=confirm)


def _refuse_changed(job: ImagesJob, image: PlannedImage) -> None:
    """Raise where the raw file is no longer the one that was planned: its pixels may be of both."""
    if job.states and fingerprint_file(image.path) != job.states[job.tissue.images.index(image)]:
        raise InvalidDataError(_changed(Place(file=image.shown_name)))


def _detail(job: ImagesJob) -> str:
    parts: dict[str, list[str]] = {}
    for index, mpp in job.wanted:
        parts.setdefault(job.tissue.images[index].modality.name, []).append(f"{mpp:g}")
    return "; ".join(f"{modality} at {', '.join(mpps)} µm" for modality, mpps in parts.items())


def _changed(place: Place) -> Problem:
    return Problem(
        "E-READ-022",
        "the file changed while the conversion ran.",
        "run the command again when nothing writes to the raw folder.",
        place,
    )
