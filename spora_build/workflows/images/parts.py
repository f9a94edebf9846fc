"""Large images in parts, so that several workers serve one tissue; the last step puts the parts together.

A part is a run of whole shards. Workers bring theirs into a folder beside the image's place; when all are there, the
image is finished and this process renames it into its place. So the bytes are those of one worker, and whatever dies
meanwhile, the image is whole or absent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import EnvironmentFaultError, Problem
from spora_build.model.report import Outcome, Status
from spora_build.store.atomic import put_in_place, remove, temporary_beside
from spora_build.store.image_writer import count_shards, finish_image, write_part
from spora_build.store.windows import MAX_SHARDS, Part
from spora_build.workflows.images.memory_need import image_need
from spora_build.workflows.images.write import (
    STAGE,
    ImagesJob,
    ImagesOutcome,
    Pixels,
    Target,
    done,
    notes,
    open_pixels,
)
from spora_build.workflows.running.executors import fitting_threads
from spora_build.workflows.running.guard import guarded
from spora_build.workflows.running.jobs import count_slots, run_jobs, threads_each
from spora_build.workflows.running.progress import ShowProgress, silent

PART_BYTES = 1 << 30
"""Raw pixels of a part: a few seconds of work, beside which opening the file once more is nothing."""
_LATE = 4
"""A tissue is split where it alone is more than this fraction of what each worker has to do in all."""


@dataclass(frozen=True)
class PartJob:
    """A part of one image."""

    target: Target
    folder: Path
    """Where the image is put together."""
    part: Part


@dataclass(frozen=True)
class PartResult:
    """What was written, and what was seen of the channels."""

    outcome: Outcome
    shards: int = 0
    nonzero: tuple[bool, ...] = ()
    """Empty where no raw pixels were read."""
    nonfinite: int = 0
    pictures: tuple[Path, ...] = ()
    """Small pictures for the mask, each of one part, to be added up."""


@dataclass(frozen=True)
class FinishJob:
    """An image all of whose parts are written."""

    target: Target
    folder: Path
    seen: PartResult
    """All parts together."""


def raw_bytes(job: ImagesJob) -> int:
    """Bytes of a tissue's raw pixels."""
    return sum(image.size.height * image.size.width * image.bytes_per_px for image in job.tissue.images)


def pick_large(jobs: Sequence[ImagesJob], workers: int) -> list[ImagesJob]:
    """Tissues that would keep one worker busy while others have nothing left to do."""
    slots = count_slots(workers)
    share = sum(map(raw_bytes, jobs)) / slots
    return [job for job in jobs if slots > 1 and raw_bytes(job) > max(2 * PART_BYTES, share / _LATE)]


def write_in_parts(
    jobs: Sequence[ImagesJob], *, workers: int, show_progress: ShowProgress = silent
) -> list[ImagesOutcome]:
    """Write the wanted images of these tissues, each by as many workers as there are; the same bytes as by one."""
    tissues = [_Tissue(job) for job in jobs]
    for step in range(max((len(job.wanted) for job in jobs), default=0)):
        with ExitStack() as unfinished:
            images = []
            for tissue in tissues:
                if tissue.failed is None and step < len(tissue.job.wanted):
                    target = tissue.job.targets()[step]
                    folder = temporary_beside(target.path)
                    unfinished.callback(remove, folder)
                    folder.mkdir()
                    images.append(_Image(tissue, target, folder))
            _write_parts(images, workers, show_progress)
            _finish([image for image in images if image.tissue.failed is None], workers)
    return [tissue.end() for tissue in tissues]


@dataclass
class _Tissue:
    """A tissue on its way."""

    job: ImagesJob
    problems: list[Problem] = field(default_factory=list)
    nonzero: dict[int, tuple[bool, ...]] = field(default_factory=dict)
    failed: Outcome | None = None

    def end(self) -> ImagesOutcome:
        """How it went."""
        return ImagesOutcome(self.failed or done(self.job, self.problems), tuple(self.nonzero.items()))


@dataclass
class _Image:
    """One of its images on its way."""

    tissue: _Tissue
    target: Target
    folder: Path
    results: list[PartResult] = field(default_factory=list)

    def parts(self) -> list[PartJob]:
        """As many as there are shards, at most."""
        size, image = self.target.image.size, self.target.image
        count = min(MAX_SHARDS, math.ceil(size.height * size.width * image.bytes_per_px / PART_BYTES))
        return [PartJob(self.target, self.folder, Part(index, count)) for index in range(count)]

    def seen(self) -> PartResult:
        """What all parts saw and wrote."""
        nonzero = [result.nonzero for result in self.results if result.nonzero]
        return PartResult(
            self.results[0].outcome,
            sum(result.shards for result in self.results),
            tuple(any(flags) for flags in zip(*nonzero, strict=True)),
            sum(result.nonfinite for result in self.results),
            tuple(path for result in self.results for path in result.pictures),
        )


def _write_parts(images: Sequence[_Image], workers: int, show_progress: ShowProgress) -> None:
    owned = [(image, part) for image in images for part in image.parts()]
    jobs = _with_threads([part for _, part in owned], workers)
    with show_progress("parts of large images", len(jobs)) as bar:
        results = run_jobs(
            _write_part,
            jobs,
            workers=workers,
            on_killed=_part_lost,
            on_result=lambda _: bar.advance(),
            need=_part_need,
        )
    for (image, _), result in zip(owned, results, strict=True):
        image.results.append(result)
        if result.outcome.status is Status.FAILED:
            image.tissue.failed = image.tissue.failed or result.outcome


def _with_threads(jobs: list[PartJob], workers: int) -> list[PartJob]:
    threads = threads_each(workers, len(jobs))
    threads = fitting_threads(threads, [partial(image_need, job.target.image) for job in jobs])
    return [replace(job, target=replace(job.target, job=replace(job.target.job, threads=threads))) for job in jobs]


def _write_part(job: PartJob) -> PartResult:
    found = guarded(_tissue_id(job), STAGE, lambda: _write_shards(job))
    return PartResult(found) if isinstance(found, Outcome) else found


def _write_shards(job: PartJob) -> PartResult:
    with open_pixels(job.target) as pixels:
        shards = write_part(
            job.folder,
            job.target.spec,
            pixels.gathered or pixels.source,
            part=job.part,
            channels=pixels.channels,
            block=pixels.block,
            threads=job.target.job.threads,
        )
    left = PartResult(Outcome(_tissue_id(job), STAGE, Status.DONE), shards, pictures=_leave_picture(job, pixels))
    if pixels.watched is None:
        return left
    return replace(left, nonzero=tuple(pixels.watched.nonzero.tolist()), nonfinite=pixels.watched.nonfinite)


def _finish(images: Sequence[_Image], workers: int) -> None:
    """Complete the images on the workers, and let them take their places."""
    jobs = [FinishJob(image.target, image.folder, image.seen()) for image in images]
    ends = run_jobs(_finish_one, jobs, workers=workers, on_killed=_finish_lost, need=_finish_need)
    for image, job, end in zip(images, jobs, ends, strict=True):
        tissue, index = image.tissue, image.target.index
        outcome = end if end.status is Status.FAILED else guarded(_tissue_id(job), STAGE, partial(_place, job, end))
        if outcome.status is Status.FAILED:
            tissue.failed = outcome
        elif job.seen.nonzero and index not in tissue.nonzero:
            tissue.nonzero[index] = job.seen.nonzero
            tissue.problems += outcome.problems


def _finish_one(job: FinishJob) -> Outcome:
    return guarded(_tissue_id(job), STAGE, lambda: _finish_image(job))


def _finish_image(job: FinishJob) -> Outcome:
    if count_shards(job.folder) != job.seen.shards:
        raise EnvironmentFaultError(
            Problem(
                "E-ENV-015",
                "what other workers wrote of a large image cannot be seen on this disk.",
                "run the same command again; if it stays so, give --out on another disk that all workers share.",
            )
        )
    finish_image(job.folder, job.target.spec, threads=job.target.job.threads)
    if not job.seen.nonzero:
        return job.seen.outcome
    job.target.refuse_changed()
    return replace(job.seen.outcome, problems=tuple(notes(job.target, job.folder, job.seen.nonfinite)))


def _place(job: FinishJob, outcome: Outcome) -> Outcome:
    put_in_place(job.folder, job.target.path)
    job.target.keep_picture(_take_picture(job.seen.pictures))
    return outcome


def _leave_picture(job: PartJob, pixels: Pixels) -> tuple[Path, ...]:
    """Lay what a part saw of the small picture for the mask beside the image's folder; elsewhere it is 0."""
    if pixels.gathered is None or pixels.gathered.picture is None:
        return ()
    path = temporary_beside(job.folder)
    with path.open("wb") as file:
        np.save(file, pixels.gathered.picture, allow_pickle=False)
    return (path,)


def _take_picture(paths: Sequence[Path]) -> NDArray[Any] | None:
    """The whole picture, whose parts are gone then; None where none was gathered or one cannot be read."""
    picture: NDArray[Any] | None = None
    try:
        for path in paths:
            piece: NDArray[Any] = np.load(path, allow_pickle=False)
            picture = piece if picture is None else np.add(picture, piece, out=picture)
    except (OSError, ValueError, EOFError):  # not seen yet on this machine, or torn: the mask looks at the image
        picture = None
    for path in paths:
        remove(path)
    return picture


def _part_need(job: PartJob) -> int:
    return image_need(job.target.image, job.target.job.threads)


def _finish_need(job: FinishJob) -> int:
    return image_need(job.target.image, job.target.job.threads)


def _part_lost(job: PartJob, error: EnvironmentFaultError) -> PartResult:
    return PartResult(Outcome(_tissue_id(job), STAGE, Status.FAILED, error.problems))


def _finish_lost(job: FinishJob, error: EnvironmentFaultError) -> Outcome:
    return Outcome(_tissue_id(job), STAGE, Status.FAILED, error.problems)


def _tissue_id(job: PartJob | FinishJob) -> str:
    return job.target.job.tissue.tissue_id
