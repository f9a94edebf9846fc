"""One tissue's images: raw pixels in, one OME-Zarr per modality and pixel size out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.model.geometry import Size
from spora_build.model.report import Outcome, Status
from spora_build.model.roi import PixelSource
from spora_build.pixels.gather import Gathering
from spora_build.pixels.rescale import Rescaled
from spora_build.readers import open_rois
from spora_build.store.coarse import CoarsePicture
from spora_build.store.image import open_image
from spora_build.store.image_writer import ImageSpec, write_image
from spora_build.store.layout import Layout
from spora_build.store.ledger import fingerprint_file
from spora_build.workflows.images.find_overlay import overlay_notes
from spora_build.workflows.images.for_mask import gather
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
    mask_mpp: float | None = None
    """Pixel size of the small pictures to keep for the tissue's mask; None where it needs none."""

    def targets(self) -> list[Target]:
        """What is wanted, each image's native pixel size first: the others are made from what is stored then."""
        order = sorted(self.wanted, key=lambda at: (at[0], at[1] != self.tissue.images[at[0]].native_mpp, at[1]))
        return [Target(self, index, mpp) for index, mpp in order]


@dataclass(frozen=True)
class Target:
    """One of a job's images at one pixel size."""

    job: ImagesJob
    index: int
    """Of the image in the tissue."""
    mpp: float

    @property
    def image(self) -> PlannedImage:
        """What it is made from."""
        return self.job.tissue.images[self.index]

    @property
    def output(self) -> PlannedOutput:
        """Its pixel size and grid."""
        return next(output for output in self.image.outputs if output.mpp == self.mpp)

    @property
    def path(self) -> Path:
        """Where it will stand."""
        return Layout(self.job.root).image(self.image.modality, self.mpp, self.job.tissue.tissue_id)

    @property
    def place(self) -> Place:
        """The raw file, for messages."""
        return Place(file=self.image.shown_name)

    @property
    def spec(self) -> ImageSpec:
        """What it will be."""
        return ImageSpec(
            channel_names=self.image.channel_names,
            size=self.output.size,
            dtype=np.dtype(self.image.dtype),
            mpp=self.mpp,
            is_rgb=not self.image.modality.is_multiplex,
            pyramid=self.job.pyramid,
            codec=self.job.codec,
        )

    @property
    def stored(self) -> Path | None:
        """The image at the native pixel size, where it stands and is what the plan wants of it."""
        native = self.image.native_mpp
        path = Layout(self.job.root).image(self.image.modality, native, self.job.tissue.tissue_id)
        vouched = any(output.mpp == native for output in self.image.outputs)
        return path if self.mpp != native and vouched and path.exists() else None

    def keep_picture(self, picture: NDArray[Any] | None) -> None:
        """Keep the small picture of what now stands; where none was gathered, none of what stood before."""
        kept = CoarsePicture(Layout(self.job.root), self.image.modality, self.mpp, self.job.tissue.tissue_id)
        if picture is None or self.job.mask_mpp is None:
            kept.drop()
        else:
            kept.put(picture, self.job.mask_mpp)

    def refuse_changed(self) -> None:
        """Raise where the raw file is no longer the one that was planned: pixels may be of both."""
        if self.job.states and fingerprint_file(self.image.path) != self.job.states[self.index]:
            raise InvalidDataError(_changed(self.place))


@dataclass(frozen=True)
class Pixels:
    """What a target is written from."""

    source: PixelSource
    channels: tuple[int, ...]
    block: Size
    watched: WatchedPixels | None = None
    """Around the raw pixels, where they are read."""
    gathered: Gathering | None = None
    """Around ``source``, where the tissue's mask will want a small picture of it."""


@dataclass(frozen=True)
class ImagesOutcome:
    """How the images of a tissue went, and what was seen of their channels on the way."""

    outcome: Outcome
    nonzero: tuple[tuple[int, tuple[bool, ...]], ...] = field(default=())
    """(index of the image in the tissue, which of its channels held anything but zero)."""


def write_tissue(job: ImagesJob) -> ImagesOutcome:
    """Write the wanted images of one tissue; every error becomes part of the outcome."""
    nonzero: dict[int, tuple[bool, ...]] = {}

    def write() -> Outcome:
        problems: list[Problem] = []
        for target in job.targets():
            with open_pixels(target) as pixels:
                write_image(
                    target.path,
                    target.spec,
                    pixels.gathered or pixels.source,
                    channels=pixels.channels,
                    block=pixels.block,
                    threads=job.threads,
                    confirm=None if pixels.watched is None else target.refuse_changed,
                )
                target.keep_picture(None if pixels.gathered is None else pixels.gathered.picture)
            if pixels.watched is not None and target.index not in nonzero:
                nonzero[target.index] = tuple(pixels.watched.nonzero.tolist())
                problems += notes(target, target.path, pixels.watched.nonfinite)
        return done(job, problems)

    outcome = guarded(job.tissue.tissue_id, STAGE, write)
    return ImagesOutcome(outcome, tuple(nonzero.items()))


@contextmanager
def open_pixels(target: Target) -> Iterator[Pixels]:
    """The pixels of a target at its pixel size. Raises InvalidDataError where the raw file is another one by now."""
    image, stored = target.image, target.stored
    if stored is None:
        with open_rois(image.path) as rois:
            roi = rois[image.series]
            if roi.size != image.size:
                raise InvalidDataError(_changed(target.place))
            watched = WatchedPixels(roi, image.channels, target.place, target.job.zero_nonfinite)
            yield _seen(target, Pixels(watched, image.channels, roi.block, watched), image.size)
    else:
        # what was just written equals the source bit for bit and decodes faster than most raw files
        native = open_image(stored)
        yield _seen(target, Pixels(native, tuple(range(native.channel_count)), native.block), native.size)


def _seen(target: Target, pixels: Pixels, size: Size) -> Pixels:
    """At the target's size, and gathered."""
    pixels = _at_its_size(target, pixels, size)
    gathered = gather(target.job.tissue, target.image, target.mpp, target.job.mask_mpp, pixels.source)
    return replace(pixels, gathered=gathered)


def _at_its_size(target: Target, pixels: Pixels, size: Size) -> Pixels:
    output, native_mpp = target.output, target.image.native_mpp
    if output.mpp == native_mpp and output.size == size:
        return pixels
    rescaled = Rescaled(pixels.source, size, output.mpp / native_mpp, output.size)
    return Pixels(rescaled, pixels.channels, rescaled.block, pixels.watched)


def notes(target: Target, path: Path, nonfinite: int) -> list[Problem]:
    """What a person should know of an image that was made from raw pixels and stands at ``path``."""
    found = [] if target.image.modality.is_multiplex else overlay_notes(open_image(path), target.place)
    if nonfinite:
        found.append(
            Problem(
                "W-READ-021",
                f"{nonfinite} NaN or infinite values were written as 0.",
                "nothing to do: spora.toml asks for it.",
                target.place,
            )
        )
    return found


def done(job: ImagesJob, problems: list[Problem]) -> Outcome:
    """The outcome of a tissue whose images stand."""
    parts: dict[str, list[str]] = {}
    for index, mpp in job.wanted:
        parts.setdefault(job.tissue.images[index].modality.name, []).append(f"{mpp:g}")
    detail = "; ".join(f"{modality} at {', '.join(mpps)} µm" for modality, mpps in parts.items())
    return Outcome(job.tissue.tissue_id, STAGE, Status.DONE, tuple(problems), detail)


def _changed(place: Place) -> Problem:
    return Problem(
        "E-READ-022",
        "the file changed while the conversion ran.",
        "run the command again when nothing writes to the raw folder.",
        place,
    )
