"""Plain TIFF: multi-page stacks, ImageJ hyperstacks, generic pyramids, RGB pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spora_build.errors import Place, Problem
from spora_build.model.geometry import Size
from spora_build.model.roi import Roi
from spora_build.readers._cycles import cycle_names
from spora_build.readers._pixel_size import Measured, from_tiff, um_per_unit
from spora_build.readers._tiff_file import first_page, no_tiff, open_tiff, pages_of
from spora_build.readers._tiff_pixels import TiffStore, tiff_store
from spora_build.readers._tiff_roi import channel_axis, make_roi, page_names, refused_roi, samples_of, stack_problem
from spora_build.readers._tiff_stack import StackHeader, imagej_header, shaped_header, virtual_pages

PRIORITY = -10
"""Asked after every reader that knows its file better."""


@dataclass(frozen=True)
class FullResolution:
    """The pages of a file that are its image, and what is said about the others."""

    pages: tuple[Any, ...]
    problems: tuple[Problem, ...]


def can_read(path: Path) -> bool:
    """Any file that parses as TIFF."""
    return first_page(path) is not None


@contextmanager
def open_rois(path: Path) -> Iterator[list[Roi]]:
    """One Roi; one per page where the pages are pictures in colour. Raises UnreadableFileError."""
    if first_page(path) is None:
        raise no_tiff(path)
    with tiff_store() as store:
        with open_tiff(path) as tiff:
            rois = plain_rois(store, path, tiff)
        yield rois


def plain_rois(store: TiffStore, path: Path, tiff: Any, problems: Sequence[Problem] = ()) -> list[Roi]:
    """The acquisitions of an open ``tifffile.TiffFile`` by its pages alone, whatever else its header says."""
    pages = pages_of(tiff, path.name)
    header = imagej_header(tiff) or shaped_header(pages[0]) or StackHeader()
    full = full_resolution(pages, path.name)
    problems = (*problems, *full.problems)
    measured = measured_by(header, pages[0], path.name)
    if samples_of(full.pages[0], path.name).is_rgb:
        return [
            make_roi(
                store,
                [(path, page)],
                file=path.name,
                measured=measured,
                kind=header.kind,
                name=f"page {page.index + 1}" if len(full.pages) > 1 else "",
                problems=problems,
            )
            for page in full.pages
        ]
    stack = virtual_pages(full.pages, header, store.file(path).size) or full.pages
    cycles = cycle_names(path, header.sizes) if header.is_channel_fastest else ()
    if channel_axis(header.sizes) is None and len(cycles) != len(stack):
        size = Size(int(stack[0].imagelength), int(stack[0].imagewidth))
        problem = stack_problem(header.sizes, path.name)
        return [refused_roi(problem, size, kind=header.kind, pixel_size=measured.pixel_size)]
    return [
        make_roi(
            store,
            [(path, page) for page in stack],
            file=path.name,
            measured=measured,
            kind=header.kind,
            channel_names=cycles or header.names or page_names(stack),
            modality_hint="codex" if cycles else None,
            problems=problems,
        )
    ]


def full_resolution(pages: Sequence[Any], file: str) -> FullResolution:
    """The pages at full resolution: those like the largest page that is no reduced copy (NewSubfileType) of another.

    A flag that no page lacks, or only smaller ones, is wrong. A page of another size is never a channel. Copies (same
    shape, smaller) get a note, other pictures a warning.
    """
    pictures = [page for page in pages if not page.is_mask] or [pages[0]]
    own = [page for page in pictures if not page.is_reduced]
    is_flag_wrong = max(map(_area, pictures)) > max(map(_area, own), default=0)
    if is_flag_wrong:
        own = pictures
    largest = max(own, key=_area)
    like = [page for page in own if _form(page) == _form(largest)]
    others = [page for page in own if _form(page) != _form(largest)]
    copies = [page for page in others if _is_copy(page, largest)]
    problems = []
    if is_flag_wrong:
        what = "the largest pages call themselves reduced copies (NewSubfileType); the size is believed."
        problems.append(Problem("W-TIFF-024", what, "check the picture.", Place(file=file)))
    count = len(copies) + len(pages) - len(own)
    if count > 0:
        what = f"{count} smaller copies of the image (pyramid levels, thumbnails) are left out."
        problems.append(Problem("N-TIFF-021", what, "nothing, full resolution is read.", Place(file=file)))
    if len(others) > len(copies):
        what = (
            f"{len(others) - len(copies)} pages of another size or type than the largest "
            f"({largest.imagelength} × {largest.imagewidth}) are left out."
        )
        remedy = "export them to files of their own where they are images."
        problems.append(Problem("W-TIFF-022", what, remedy, Place(file=file)))
    return FullResolution(tuple(like), tuple(problems))


def measured_by(header: StackHeader, page: Any, file: str) -> Measured:
    """Pixel size of a stack: TIFF resolution, in ImageJ's unit where it has one."""
    if header.unit and um_per_unit(header.unit) is not None:
        return from_tiff(page, file, unit=header.unit)
    return from_tiff(page, file)


def _area(page: Any) -> int:
    return int(page.imagelength) * int(page.imagewidth)


def _form(page: Any) -> tuple[Any, ...]:
    return (page.imagelength, page.imagewidth, str(page.dtype), page.samplesperpixel)


def _is_copy(page: Any, largest: Any) -> bool:
    """Whether a page has the proportions of the largest one and is smaller, up to rounding of its size."""
    down, across = largest.imagelength / page.imagelength, largest.imagewidth / page.imagewidth
    rounding = 1.5 * max(down / page.imagelength, across / page.imagewidth)
    return bool(down > 1.2 and across > 1.2 and abs(down - across) <= max(0.01 * down, rounding))
