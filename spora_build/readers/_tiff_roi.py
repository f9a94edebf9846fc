"""From TIFF pages to a Roi: which samples are colour, which are channels, which are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import Place, Problem, UnreadableFileError
from spora_build.model.geometry import PixelSize, Size, Window
from spora_build.model.roi import Roi
from spora_build.readers._dtype import with_dataset_dtype
from spora_build.readers._pixel_size import Measured
from spora_build.readers._tiff_file import unsupported
from spora_build.readers._tiff_pixels import Plane, TiffPixels, TiffStore
from spora_build.readers._tiff_segment import JPEG

_RGB, _CMYK, _YCBCR = 2, 5, 6
_DEVICE_COLOURS = {5: "CMYK", 8: "CIELab", 9: "ICCLab", 10: "ITULab"}
_YCBCR_TO_RGB = JPEG | {33004, 34712, 50001}
"""Codecs that give RGB for a page that says YCbCr."""
_ALPHA = {1, 2}


@dataclass(frozen=True)
class Samples:
    """What the samples of a page are."""

    is_rgb: bool
    kept: tuple[int, ...]
    """Samples that carry the picture: red, green and blue, or every channel; never alpha."""
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class RefusedSource:
    """A source for an acquisition that cannot be used: every read raises the problem."""

    problem: Problem

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """Raises UnreadableFileError."""
        self._raise()

    def _raise(self) -> NoReturn:
        raise UnreadableFileError(self.problem)


def samples_of(page: Any, name: str) -> Samples:
    """Tell colour from channels in a ``tifffile.TiffPage``. Raises UnreadableFileError for CMYK and the like."""
    count = int(page.samplesperpixel)
    photometric = int(page.photometric) if page.photometric is not None else 1
    if photometric in _DEVICE_COLOURS and count > 1:
        raise unsupported(
            name, f"its colours are {_DEVICE_COLOURS[photometric]}", "convert the image to RGB and export it again."
        )
    if (photometric == _YCBCR and page.compression not in _YCBCR_TO_RGB) or page.compression == 33003:
        raise unsupported(
            name, "its colours are YCbCr outside of JPEG", "convert the image to RGB and export it again."
        )
    is_rgb = photometric in {_RGB, _YCBCR} and count in {3, 4} and page.dtype is not None and page.dtype.kind == "u"
    if is_rgb:
        return Samples(True, (0, 1, 2), () if count == 3 else (_alpha_dropped(name),))
    extra = tuple(int(code) for code in page.extrasamples)
    alpha = {count - len(extra) + index for index, code in enumerate(extra) if code in _ALPHA}
    if photometric in {_RGB, _YCBCR} or len(alpha) != 1 or count == 1:
        alpha = set()  # many writers call every sample beyond the first alpha
    kept = tuple(index for index in range(count) if index not in alpha)
    return Samples(False, kept, (_alpha_dropped(name),) if alpha else ())


def make_roi(
    store: TiffStore,
    pages: Sequence[tuple[Path, Any]],
    *,
    file: str,
    measured: Measured,
    kind: str,
    name: str = "",
    channel_names: Sequence[str] = (),
    modality_hint: str | None = None,
    problems: Sequence[Problem] = (),
) -> Roi:
    """A Roi whose channels are the samples of ``pages`` (path, ``tifffile.TiffPage``) in order.

    Names that do not match the number of channels are dropped with a warning; missing ones are numbered.
    Raises UnreadableFileError where pages differ in size or dtype, or several colour pages would be one image.
    """
    found = [samples_of(page, file) for _, page in pages]
    is_rgb = found[0].is_rgb
    if is_rgb and len(pages) > 1:
        raise unsupported(
            file, f"{len(pages)} colour pages make one image", "export each picture to a file of its own."
        )
    planes = [
        Plane(stored, sample)
        for (path, page), samples in zip(pages, found, strict=True)
        for stored in [store.page(path, page)]
        for sample in samples.kept
    ]
    if any(plane.page.size != planes[0].page.size or plane.page.dtype != planes[0].page.dtype for plane in planes):
        raise unsupported(file, "its channels differ in size or in type of pixels")
    source = TiffPixels(planes)
    names, name_problems = _names(channel_names, len(planes), file) if not is_rgb else ((), ())
    roi = Roi(
        name=name,
        channel_names=names,
        channel_count=len(planes),
        size=source.size,
        dtype=source.dtype,
        is_rgb=is_rgb,
        pixel_size=measured.pixel_size,
        block=source.block,
        source=source,
        format=kind,
        modality_hint=modality_hint,
        problems=(*found[0].problems, *problems, *name_problems, *measured.problems),
    )
    return with_dataset_dtype(roi, file)


def refused_roi(problem: Problem, size: Size, *, kind: str, name: str = "", pixel_size: PixelSize | None = None) -> Roi:
    """A Roi that is listed with the reason why it cannot be used; reading it raises that problem."""
    return Roi(
        name=name,
        channel_names=(),
        channel_count=1,
        size=size,
        dtype=np.dtype("uint8"),
        is_rgb=False,
        pixel_size=pixel_size,
        block=size,
        source=RefusedSource(problem),
        format=kind,
        problems=(problem,),
    )


def channel_axis(sizes: dict[str, int]) -> str | None:
    """The axis that the channels lie along, of axes that are longer than one (``C``, ``T``, ``Z``, ``Q``…).

    C where only C is long; where C is 1 and one other axis is long, that one: microscopes and MCD Viewer store markers
    as time points or slices. None where two axes are long: a real stack, and nobody can tell which planes are meant.
    """
    long = [axis for axis, size in sizes.items() if size > 1]
    if len(long) > 1:
        return None
    return long[0] if long else "C"


def stack_problem(sizes: dict[str, int], file: str) -> Problem:
    """The problem of a z-stack or time series with several channels."""
    axes = ", ".join(f"{size} × {axis}" for axis, size in sizes.items() if size > 1)
    return Problem(
        "E-TIFF-003",
        f"the image is a stack of {axes} (C channel, Z slice, T time point); a tissue has one plane per channel.",
        "export one slice and time point (or a projection) with all channels. Where these are cycles of CODEX, put"
        " channelnames.txt beside the file, with a line for every channel of every cycle.",
        Place(file=file),
    )


def page_names(pages: Sequence[Any]) -> tuple[str, ...]:
    """PageName of every page, or nothing where a page has none or two have the same."""
    names = [page.tags.valueof(285) for page in pages]
    texts = tuple(name.strip() for name in names if isinstance(name, str) and name.strip())
    return texts if len(texts) == len(pages) == len(set(texts)) else ()


def _names(given: Sequence[str], count: int, file: str) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    if not any(given):
        return (), ()
    if len(given) != count:
        what = f"the header names {len(given)} channels, the file holds {count}: the names are left out."
        return (), (Problem("W-TIFF-010", what, "name the channels in the panel sheet, in order.", Place(file=file)),)
    return tuple(text or f"Channel {index + 1}" for index, text in enumerate(given)), ()


def _alpha_dropped(file: str) -> Problem:
    return Problem(
        "N-TIFF-020", "the alpha (opacity) of the picture is left out.", "nothing, it is no colour.", Place(file=file)
    )
