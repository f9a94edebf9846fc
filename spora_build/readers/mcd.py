"""Imaging mass cytometry .mcd files: many acquisitions in one file, described by the XML at its end."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from spora_build.errors import Place, Problem, UnreadableFileError
from spora_build.model.geometry import PixelSize, Size
from spora_build.model.roi import PixelSource, Roi
from spora_build.readers._file_bytes import FileBytes
from spora_build.readers._mcd_pixels import COORDINATES, VALUE_BYTES, McdPixels, Records
from spora_build.readers._mcd_schema import read_acquisitions, unreadable
from spora_build.readers._pixel_size import Measured, from_um
from spora_build.readers._segment_cache import SegmentCache
from spora_build.readers._whole_image import WholeImage
from spora_build.readers.imc_txt import inspect_text, missing_pixels, read_text

_LONGEST_SIDE_PX = 100_000
"""A slide is 75 mm long and a shot hardly below 1 µm."""


def can_read(path: Path) -> bool:
    """Whether the file is named ``.mcd``: what tells the format lies at its end, where a damaged file has nothing."""
    return path.suffix.lower() == ".mcd" and path.is_file()


@contextmanager
def open_rois(path: Path) -> Iterator[list[Roi]]:
    """Every acquisition, by slide and id, named as the instrument names its text file: ``ROI_001_1``.

    An acquisition whose data are damaged comes from its text file where there is one. Panoramas are left out.
    Raises UnreadableFileError.
    """
    acquisitions = read_acquisitions(path)
    file, cache = FileBytes(path), SegmentCache()
    try:
        rois: list[Roi] = []
        lost: list[Problem] = []
        for acquisition in acquisitions:
            found = _open_acquisition(path, file, acquisition, cache)
            if isinstance(found, Roi):
                rois.append(found)
            else:
                lost.append(found)
        if not rois:
            raise UnreadableFileError(lost) if lost else unreadable(path, "it has no acquisition")
        rois[0] = replace(rois[0], problems=rois[0].problems + tuple(lost))
        yield rois
    finally:
        cache.clear()
        file.close()


def _open_acquisition(path: Path, file: FileBytes, acquisition: Any, cache: SegmentCache) -> Roi | Problem:
    """The acquisition from the .mcd file, else from its text file; else what is wrong with it."""
    records = _locate(acquisition, file.size)
    place = Place(file=path.name)
    step, step_problems = _pixel_size(acquisition, path.name)
    if isinstance(records, Records):
        return _roi(
            acquisition,
            names=tuple(
                label or metal
                for label, metal in zip(acquisition.channel_labels, acquisition.channel_names, strict=True)
            ),
            metals=tuple(acquisition.channel_names),
            size=records.size,
            source=McdPixels(file, records, cache),
            pixel_size=step,
            problems=step_problems
            + missing_pixels(records.size.height * records.size.width - records.count, records.size, place),
        )
    text = path.with_name(f"{path.stem}_{_name(acquisition)}.txt")
    why = f"acquisition {acquisition.id} is damaged in the .mcd file ({records})"
    try:
        image = inspect_text(text)
    except UnreadableFileError:
        return Problem(
            "W-READ-128",
            f"{why} and left out: there is no sound text file of it.",
            "copy the .mcd file again, or put the text file that the instrument wrote beside it.",
            place,
        )
    recovered = Problem(
        "W-READ-127",
        f"{why}; it is read from its text file.",
        "nothing, if the picture looks right; otherwise copy the .mcd file again.",
        place,
    )
    return _roi(
        acquisition,
        names=image.labels,
        metals=image.metals,
        size=image.size,
        source=WholeImage(lambda: read_text(text, image), cache),
        pixel_size=step,
        problems=(recovered, *step_problems, *missing_pixels(image.missing_count, image.size, place)),
    )


def _roi(
    acquisition: Any,
    *,
    names: tuple[str, ...],
    metals: tuple[str, ...],
    size: Size,
    source: PixelSource,
    pixel_size: PixelSize | None,
    problems: tuple[Problem, ...],
) -> Roi:
    return Roi(
        name=_name(acquisition),
        channel_names=names,
        channel_count=len(names),
        size=size,
        dtype=np.dtype(np.float32),
        is_rgb=False,
        pixel_size=pixel_size,
        block=Size(1, size.width) if isinstance(source, McdPixels) else size,
        source=source,
        format="IMC mcd",
        modality_hint="imc",
        problems=problems,
        channel_tags=metals,
    )


def _name(acquisition: Any) -> str:
    description = (acquisition.description or "").strip()
    return f"{description}_{acquisition.id}" if description else str(acquisition.id)


def _locate(acquisition: Any, file_size: int) -> Records | str:
    """The acquisition's records, or in a few words why there are none to trust."""
    metadata = acquisition.metadata
    try:
        start, end = int(metadata["DataStartOffset"]), int(metadata["DataEndOffset"])
        size = Size(int(metadata["MaxY"]), int(metadata["MaxX"]))
        value_bytes = int(metadata.get("ValueBytes", VALUE_BYTES))
    except (KeyError, ValueError):
        return "its size or place is not given"
    if max(size.height, size.width) > _LONGEST_SIDE_PX:
        return "its size is larger than a slide"
    channels = len(acquisition.channel_labels)
    if channels < 1 or channels != acquisition.num_channels:
        return "its channels are not listed in full"
    if value_bytes != VALUE_BYTES or metadata.get("SegmentDataFormat", "Float") != "Float":
        return "its numbers are not 32-bit floats"
    if start < 0 or end <= start:
        return "it holds no data"
    if end > file_size:
        return "its data lie beyond the end of the file"
    count, rest = divmod(end - start, (COORDINATES + channels) * VALUE_BYTES)
    if rest:
        return "its data do not end with a whole pixel"
    if count > size.height * size.width:
        return "it holds more pixels than its size allows"
    return Records(start, count, channels, size)


def _pixel_size(acquisition: Any, file: str) -> Measured:
    """The raster step, the same in both directions."""
    steps: list[float | None] = []
    for axis in "XY":
        text = acquisition.metadata.get(f"AblationDistanceBetweenShots{axis}", "")
        try:
            steps.append(float(text) if text else None)
        except ValueError:
            steps.append(math.nan)
    return from_um(steps[0], steps[1], "mcd AblationDistanceBetweenShots", file)
