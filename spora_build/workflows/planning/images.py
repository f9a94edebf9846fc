"""From a sheet row to a planned image: open the header, choose the acquisition, settle pixel size and type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from spora_build.errors import Place, Problem, Severity, SporaBuildError
from spora_build.model.channel import RGB
from spora_build.model.geometry import PixelSize, Size, round_mpp
from spora_build.model.modality import Modality
from spora_build.model.roi import Roi
from spora_build.readers import open_rois
from spora_build.submission.panel import PanelSheet
from spora_build.submission.tissues import ImageRow
from spora_build.workflows.planning.channels import match_channels

DTYPES = ("uint8", "uint16", "float32")
CONFLICT = 0.01
"""Relative difference of two pixel sizes from which a person should look."""


@dataclass(frozen=True)
class ImageFacts:
    """What the header of one raw image says, together with what the sheets say of it."""

    row: ImageRow = field(repr=False)
    series: int
    size: Size
    dtype: str
    is_rgb: bool
    pixel_size: PixelSize | None
    channels: tuple[int, ...]
    channel_names: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def is_usable(self) -> bool:
        """Whether nothing stands in the way of converting it."""
        return not any(problem.severity is Severity.ERROR for problem in self.problems)


def read_facts(
    row: ImageRow, panel: PanelSheet | None, mpp_override: float | None, tissues_file: str
) -> ImageFacts | tuple[Problem, ...]:
    """Facts of the image of one row, or the errors that make it unreadable. Reads headers only."""
    place = Place(file=row.image)
    try:
        with open_rois(row.path) as rois:
            chosen = _choose(rois, row, tissues_file)
            if isinstance(chosen, Problem):
                return (chosen,)
            return _facts(chosen, rois[chosen], row, panel, mpp_override, tissues_file)
    except SporaBuildError as error:
        return tuple(_at(problem, place) for problem in error.problems)


def _facts(
    series: int, roi: Roi, row: ImageRow, panel: PanelSheet | None, mpp_override: float | None, tissues_file: str
) -> ImageFacts:
    place = Place(file=row.image)
    problems = [_at(problem, place) for problem in roi.problems]
    pixel_size, mpp_problems = _settle_mpp(roi, row, mpp_override, tissues_file)
    if pixel_size is not None:
        problems = [problem for problem in problems if not problem.code.startswith("E-MPP")]
    elif any(problem.code.startswith("E-MPP") for problem in problems):
        mpp_problems = []
    problems += mpp_problems
    problems += _kind_problems(roi, row.modality, place, panel)
    if row.modality.is_multiplex:
        match = match_channels(roi.channel_names, roi.channel_count, panel, place, roi.channel_tags)
        channels, names = match.indices, match.names
        problems += match.problems
    else:
        channels, names = tuple(range(roi.channel_count)), RGB
    return ImageFacts(
        row=row,
        series=series,
        size=roi.size,
        dtype=np.dtype(roi.dtype).name,
        is_rgb=roi.is_rgb,
        pixel_size=pixel_size,
        channels=channels,
        channel_names=names,
        problems=tuple(problems),
    )


def _choose(rois: Sequence[Roi], row: ImageRow, tissues_file: str) -> int | Problem:
    names = [f"{index} ({roi.name})" if roi.name else str(index) for index, roi in enumerate(rois)]
    listed = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    where = Place(file=tissues_file, row=row.row, column="series")
    if not rois:
        return Problem("E-READ-002", "the file holds no image.", "export it again.", Place(file=row.image))
    if row.series is None:
        if len(rois) == 1:
            return 0
        return Problem(
            "E-SERIES-001",
            f"{row.image} holds {len(rois)} images and the sheet does not say which.",
            f"add one row for each wanted image and put its number or name into the column series: {listed}.",
            where,
        )
    by_name = [index for index, roi in enumerate(rois) if roi.name == str(row.series)]
    if len(by_name) == 1:
        return by_name[0]
    if str(row.series).isdigit() and int(row.series) < len(rois):
        return int(row.series)
    return Problem(
        "E-SERIES-002",
        f"{row.image} holds no image of the number or name that the sheet says.",
        f"use one of: {listed}.",
        where,
    )


def _settle_mpp(
    roi: Roi, row: ImageRow, override: float | None, tissues_file: str
) -> tuple[PixelSize | None, list[Problem]]:
    in_file = roi.pixel_size
    told = row.mpp if row.mpp is not None else override
    if told is None:
        if in_file is not None:
            return in_file, []
        return None, [
            Problem(
                "E-MPP-001",
                "the file has no pixel size that can be believed.",
                f"set mpp in {tissues_file} row {row.row}, or --mpp-override {row.modality}=<microns per pixel>.",
                Place(file=row.image),
            )
        ]
    origin = f"{tissues_file} row {row.row}" if row.mpp is not None else "mpp override"
    problems = []
    if in_file is not None and abs(in_file.mpp - told) > CONFLICT * told:
        problems.append(
            Problem(
                "W-MPP-010",
                f"{origin} says {told:g} µm per pixel, the file says {in_file.mpp:g} ({in_file.origin});"
                " the sheet is believed.",
                "check which of the two is right.",
                Place(file=row.image),
            )
        )
    return PixelSize(round_mpp(told), origin), problems


def _kind_problems(roi: Roi, modality: Modality, place: Place, panel: PanelSheet | None) -> list[Problem]:
    dtype = np.dtype(roi.dtype).name
    if modality.is_multiplex:
        if roi.is_rgb and (panel is None or len(panel.rows) != 3):
            return [
                Problem(
                    "E-KIND-001",
                    f"the sheet says {modality}, but this is an RGB picture, not separate channels.",
                    "give the raw multi-channel image, or correct the modality (he, ihc_<MARKER>).",
                    place,
                )
            ]
        if dtype not in DTYPES:
            return [_dtype_problem(dtype, ", ".join(DTYPES), place)]
        return []
    if roi.channel_count != 3:
        return [
            Problem(
                "E-KIND-002",
                f"the sheet says {modality}, which is an RGB picture, but the file has {roi.channel_count} channels.",
                "give the RGB image, or correct the modality (imc, codex, cycif, mibi).",
                place,
            )
        ]
    if dtype != "uint8":
        return [_dtype_problem(dtype, "uint8 from 0 to 255", place)]
    if not roi.is_rgb:
        return [
            Problem(
                "W-KIND-003",
                f"the file does not call its three channels red, green and blue; they are taken so for {modality}.",
                "check the picture.",
                place,
            )
        ]
    return []


def _dtype_problem(dtype: str, allowed: str, place: Place) -> Problem:
    return Problem(
        "E-KIND-004",
        f"the pixels are {dtype}; a spora image holds {allowed}.",
        "export the image with one of these pixel types.",
        place,
    )


def _at(problem: Problem, place: Place) -> Problem:
    """The problem with the file named as the sheet does."""
    return replace(problem, place=replace(problem.place, file=place.file))
