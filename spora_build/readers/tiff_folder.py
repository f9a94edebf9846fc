"""A folder with one TIFF per channel, as MIBI and many pipelines leave a field of view: ``fov1/CD45.tif``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import Place, Problem, UnreadableFileError
from spora_build.model.geometry import PixelSize, Size, Window
from spora_build.model.roi import PixelSource, Roi
from spora_build.readers import mibi
from spora_build.readers._ome_xml import OmeXmlError, parse_ome_xml
from spora_build.readers._pixel_size import REMEDY
from spora_build.readers._tiff_file import first_page, is_tiff, open_tiff
from spora_build.readers._tiff_pixels import TiffStore, tiff_store
from spora_build.readers.ome_tiff import is_ome
from spora_build.readers.tiff import plain_rois

MAX_CHANNELS = 200
"""Every file stays open while the folder is read, and macOS lets a program open 256."""
_SUFFIXES = (".ome.tiff", ".ome.tif", ".tiff", ".tif")
_SUBFOLDERS = {"tif", "tifs", "tiff", "tiffs"}
_SHOWN = 5
_MASK = re.compile(r"(?:^|[\W_])(?:cell[\W_]?)?masks?$", re.IGNORECASE)


@dataclass(frozen=True)
class FolderPixels:
    """The planes of a folder, each from the source of its file."""

    sources: tuple[PixelSource, ...]
    dtype: np.dtype[Any]

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See :class:`~spora_build.model.roi.PixelSource`."""
        pixels = np.empty((len(channels), window.height, window.width), self.dtype)
        for plane, channel in zip(pixels, channels, strict=True):
            plane[...] = self.sources[channel].read([0], window)[0]
        return pixels


def can_read(path: Path) -> bool:
    """Whether the folder (or its subfolder ``TIFs``) holds TIFF files, most of one size, the first of one channel.

    A folder of one-channel images of several tissues looks the same: whoever asks knows which of them is meant.
    """
    try:
        files = channel_files(path)
        if len(files) < 2:
            return False
        shapes = [page.shape if (page := first_page(file)) else None for file in files[:MAX_CHANNELS]]
        shape, count = Counter(shapes).most_common(1)[0]
        if shape is None or len(shape) != 2 or count * 2 <= len(shapes):
            return False
        with tiff_store() as store:
            _plane(store, path, files[0])
    except (OSError, UnreadableFileError):
        return False
    return True


@contextmanager
def open_rois(path: Path) -> Iterator[list[Roi]]:
    """One image, its channels named after the files, in natural order. Raises UnreadableFileError."""
    try:
        files = channel_files(path)
    except OSError:
        files = []
    if not files:
        raise _refuse(path, "E-READ-110", "this is no folder with TIFF files", "give the folder of one field of view.")
    if len(files) > MAX_CHANNELS:
        raise _refuse(
            path,
            "E-READ-111",
            f"the folder holds {len(files)} TIFF files, more than a panel has channels",
            "give every field of view a folder of its own.",
        )
    repeated = [name for name, count in Counter(channel_name(file).casefold() for file in files).items() if count > 1]
    if repeated:
        raise _refuse(
            path,
            "E-READ-112",
            f"several files have the channel name {repeated[0]!r}",
            "keep one TIFF file per channel.",
        )
    with tiff_store() as store:
        yield [_image(store, path, files)]


def channel_files(path: Path) -> list[Path]:
    """The channels of a field of view in natural order; hidden files, masks and everything else is left out."""
    if not path.is_dir():
        return []
    files = _tiffs(path)
    if not files:
        inner = sorted(child for child in path.iterdir() if child.name.lower() in _SUBFOLDERS and child.is_dir())
        files = _tiffs(inner[0]) if len(inner) == 1 else []
    channels = [file for file in files if not _MASK.search(channel_name(file))]
    return sorted(channels if len(channels) > 1 else files, key=lambda file: _natural(file.name))


def mask_files(path: Path) -> list[Path]:
    """TIFF files of a field of view that are named as masks and therefore no channels, as histoCAT has them."""
    channels = channel_files(path)
    return sorted(set(_tiffs(channels[0].parent)) - set(channels)) if channels else []


def channel_name(file: Path) -> str:
    """File name without the ending of a TIFF file."""
    suffix = next(suffix for suffix in _SUFFIXES if file.name.lower().endswith(suffix))
    return file.name[: -len(suffix)]


def _tiffs(folder: Path) -> list[Path]:
    return [
        file
        for file in folder.iterdir()
        if file.is_file() and file.resolve().is_relative_to(folder.resolve().parent)
        if file.name.lower().endswith(_SUFFIXES) and not file.name.startswith(".") and is_tiff(file)
    ]


def _natural(name: str) -> tuple[Any, ...]:
    """``Channel_2`` before ``Channel_10``; the name itself decides between names that differ in case only."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple(int(part) if index % 2 else part for index, part in enumerate(parts)), name


def _image(store: TiffStore, folder: Path, files: list[Path]) -> Roi:
    planes = [_plane(store, folder, file) for file in files]
    first = planes[0]
    _refuse_odd(folder, files, [plane.size for plane in planes], "E-READ-114", "size")
    _refuse_odd(folder, files, [plane.dtype for plane in planes], "E-READ-115", "type of pixels")
    pixel_size, problems = _pixel_size(folder, planes)
    notes = [problem for plane in planes for problem in plane.problems if not problem.code.startswith("E-MPP")]
    return Roi(
        name="",
        channel_names=tuple(channel_name(file) for file in files),
        channel_count=len(files),
        size=first.size,
        dtype=first.dtype,
        is_rgb=False,
        pixel_size=pixel_size,
        block=Size(max(plane.block.height for plane in planes), max(plane.block.width for plane in planes)),
        source=FolderPixels(tuple(plane.source for plane in planes), first.dtype),
        format="folder of TIFFs",
        problems=(*notes, *problems),
    )


def _plane(store: TiffStore, folder: Path, file: Path) -> Roi:
    with open_tiff(file) as tiff:
        rois = plain_rois(store, file, tiff)
    if len(rois) != 1 or rois[0].channel_count != 1:
        raise _refuse(
            folder,
            "E-READ-113",
            f"{file.name!r} is not a single channel",
            "list its image by the name of the file; a folder is read where every TIFF in it is one channel.",
        )
    described = _described_pixel_size(file)
    return replace(rois[0], pixel_size=described) if described else rois[0]


def _described_pixel_size(file: Path) -> PixelSize | None:
    """The size that the OME-XML of a channel's file gives, or the JSON of a MIBItiff it was cut from, if it has any."""
    page = first_page(file)
    if page is None:
        return None
    if not is_ome(page.description):
        return mibi.field_of_view(page.shape[-1], mibi.description(page.description), file.name).pixel_size
    try:
        images = parse_ome_xml(page.description, file.name).images
    except OmeXmlError:
        return None
    return images[0].physical_size.pixel_size if len(images) == 1 else None


def _refuse_odd(folder: Path, files: list[Path], values: Sequence[Hashable], code: str, word: str) -> None:
    """Raise where not all values are the same, naming the files that differ from most."""
    counts = Counter(values)
    if len(counts) == 1:
        return
    usual = counts.most_common(1)[0][0]
    odd = [f"{file.name!r} ({_text(value)})" for file, value in zip(files, values, strict=True) if value != usual]
    shown = ", ".join(odd[:_SHOWN]) + (f" and {len(odd) - _SHOWN} more" if len(odd) > _SHOWN else "")
    raise _refuse(
        folder,
        code,
        f"its TIFF files differ in {word}: most have {_text(usual)}, but not {shown}",
        "take the odd files out of the folder, or export them like the others.",
    )


def _text(value: object) -> str:
    return f"{value.height} × {value.width}" if isinstance(value, Size) else str(value)


def _pixel_size(folder: Path, planes: Sequence[Roi]) -> tuple[PixelSize | None, tuple[Problem, ...]]:
    """The one pixel size of all files that have one."""
    found = list(dict.fromkeys(plane.pixel_size for plane in planes if plane.pixel_size is not None))
    if not found:
        why = next(problem for problem in planes[0].problems if problem.code.startswith("E-MPP"))
        return None, (Problem(why.code, why.what, why.remedy, Place(file=folder.name)),)
    if len({size.mpp for size in found}) > 1:
        what = f"its TIFF files have different pixel sizes, such as {found[0].mpp:g} and {found[1].mpp:g} µm."
        return None, (Problem("E-MPP-008", what, REMEDY, Place(file=folder.name)),)
    return found[0], ()


def _refuse(folder: Path, code: str, what: str, remedy: str) -> UnreadableFileError:
    return UnreadableFileError(Problem(code, f"{what}.", remedy, Place(file=folder.name)))
