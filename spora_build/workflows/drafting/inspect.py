"""What is in a raw file or folder: formats, channels, pixel sizes and problems, from headers alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from spora_build.errors import Place, Problem, SporaBuildError, UsageError
from spora_build.model.roi import Roi
from spora_build.readers import find_reader, foreign_problem, stored_dtype

SHEETS = {".csv", ".tsv", ".txt", ".toml", ".parquet", ".xlsx", ".json", ".md", ".xml", ".ome"}


@dataclass(frozen=True)
class InspectedRoi:
    """One acquisition as its header describes it."""

    series: int
    name: str
    format: str
    modality_hint: str | None
    axes: str
    shape: tuple[int, int, int]
    """Channels, height, width."""
    dtype: str
    is_rgb: bool
    mpp: float | None
    mpp_origin: str | None
    channel_names: tuple[str, ...]
    problems: tuple[Problem, ...]
    channel_tags: tuple[str, ...] = ()
    """Second names of the channels: the metals of IMC."""
    stored_dtype: str = ""
    """The type in the file, of which ``dtype`` is made without loss, or not at all."""


@dataclass(frozen=True)
class InspectedFile:
    """One raw file or folder that a reader takes, or why it cannot be read."""

    file: str
    """Relative to the inspected folder."""
    rois: tuple[InspectedRoi, ...]
    problems: tuple[Problem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``--json``."""
        return {
            "file": self.file,
            "problems": [_problem_json(problem) for problem in self.problems],
            "images": [
                {
                    "series": roi.series,
                    "name": roi.name,
                    "format": roi.format,
                    "modality_hint": roi.modality_hint,
                    "axes": roi.axes,
                    "shape": list(roi.shape),
                    "dtype": roi.dtype,
                    "stored_dtype": roi.stored_dtype,
                    "is_rgb": roi.is_rgb,
                    "mpp": roi.mpp,
                    "mpp_origin": roi.mpp_origin,
                    "channel_names": list(roi.channel_names),
                    "problems": [_problem_json(problem) for problem in roi.problems],
                }
                for roi in self.rois
            ],
        }


def inspect(path: Path) -> Iterator[InspectedFile]:
    """Look into a file, or into everything below a folder. Raises UsageError where there is nothing."""
    if not path.exists():
        raise UsageError(
            Problem("E-USE-006", "there is no such file or folder.", "check the path.", Place(file=path.name))
        )
    if path.is_file() or find_reader(path) is not None:
        yield _inspect_one(path, path.name)
        return
    yield from _inspect_below(path, path)


def _inspect_below(folder: Path, root: Path) -> Iterator[InspectedFile]:
    for entry in sorted(folder.iterdir()):
        name = entry.relative_to(root).as_posix()
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if find_reader(entry) is not None:
                yield _inspect_one(entry, name)
            else:
                yield from _inspect_below(entry, root)
        elif entry.is_file() and (entry.suffix.lower() not in SHEETS or find_reader(entry) is not None):
            yield _inspect_one(entry, name)


def _inspect_one(path: Path, name: str) -> InspectedFile:
    reader = find_reader(path)
    if reader is None:
        problem = foreign_problem(path) or Problem(
            "W-READ-001",
            "no reader takes this file.",
            "nothing to do if it is no image; else export it as OME-TIFF.",
        )
        return InspectedFile(name, (), _named((problem,), name))
    try:
        with reader.open_rois(path) as rois:
            return InspectedFile(name, tuple(_describe(index, roi, name) for index, roi in enumerate(rois)))
    except SporaBuildError as error:
        return InspectedFile(name, (), _named(error.problems, name))


def _named(problems: Iterable[Problem], name: str) -> tuple[Problem, ...]:
    """The problems with the file named as below the inspected folder."""
    return tuple(replace(problem, place=replace(problem.place, file=name)) for problem in problems)


def _describe(series: int, roi: Roi, file: str) -> InspectedRoi:
    return InspectedRoi(
        series=series,
        name=roi.name,
        format=roi.format,
        modality_hint=roi.modality_hint,
        axes="CYX",
        shape=(roi.channel_count, roi.size.height, roi.size.width),
        dtype=np.dtype(roi.dtype).name,
        is_rgb=roi.is_rgb,
        mpp=None if roi.pixel_size is None else roi.pixel_size.mpp,
        mpp_origin=None if roi.pixel_size is None else roi.pixel_size.origin,
        channel_names=roi.channel_names,
        problems=_named(roi.problems, file),
        channel_tags=roi.channel_tags,
        stored_dtype=stored_dtype(roi).newbyteorder("=").name,
    )


def _problem_json(problem: Problem) -> dict[str, str]:
    return {"code": problem.code, "what": problem.what, "remedy": problem.remedy}
