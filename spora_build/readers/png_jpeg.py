"""PNG and JPEG pictures, as they are stored: no rotation, no rescaling of values, alpha left out."""

from __future__ import annotations

import math
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import Place, Problem, UnreadableFileError
from spora_build.model.geometry import Size
from spora_build.model.roi import Roi
from spora_build.readers._pixel_size import UM_PER_INCH, Measured, absent, from_um
from spora_build.readers._segment_cache import SegmentCache
from spora_build.readers._whole_image import WholeImage

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_GRAYS = {"1", "L", "LA", "I", "I;16"}
_COLOURS = {"RGB", "RGBA"}
_ORIENTATION = 0x0112


@dataclass(frozen=True)
class _Picture:
    """What the header says."""

    format: str
    size: Size
    has_16_bits: bool
    is_gray: bool
    has_alpha: bool
    frames: int
    orientation: int
    dpi: tuple[float, float] | None


def can_read(path: Path) -> bool:
    """Whether the file starts like a PNG or a JPEG."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_PNG))
    except OSError:
        return False
    return start == _PNG or start.startswith(_JPEG)


@contextmanager
def open_rois(path: Path) -> Iterator[list[Roi]]:
    """The one picture of the file: 3 channels where it is in colour, else 1. Raises UnreadableFileError."""
    picture = _inspect(path)
    place = Place(file=path.name)
    pixel_size, size_problems = _pixel_size(picture, path.name)
    cache = SegmentCache()
    try:
        yield [
            Roi(
                name="",
                channel_names=(),
                channel_count=1 if picture.is_gray else 3,
                size=picture.size,
                dtype=np.dtype(np.uint16 if picture.has_16_bits else np.uint8),
                is_rgb=not picture.is_gray,
                pixel_size=pixel_size,
                block=picture.size,
                source=WholeImage(lambda: _decode(path, picture), cache),
                format=picture.format,
                problems=(*_left_out(picture, place), *size_problems),
            )
        ]
    finally:
        cache.clear()


def _inspect(path: Path) -> _Picture:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with path.open("rb") as file:
                ihdr = file.read(26)
            with Image.open(path, formats=("PNG", "JPEG")) as image:
                is_png = image.format == "PNG"
                mode = image.mode
                has_alpha = mode in {"LA", "RGBA"} or "transparency" in image.info
                # Pillow keeps 8 of the 16 bits of colour and of alpha; the header tells what is there.
                bit_depth, colour_type = (ihdr[24], ihdr[25]) if is_png else (8, None)
                is_gray = colour_type in {0, 4} if is_png and mode != "P" else mode in _GRAYS
                if mode == "P":
                    palette = np.array(image.getpalette("RGB")).reshape(-1, 3)
                    is_gray = bool((palette == palette[:, :1]).all())
                    mode = "L" if is_gray else "RGB"
                if mode not in _GRAYS | _COLOURS:
                    raise _foreign_colours(path, mode)
                return _Picture(
                    format="PNG" if is_png else "JPEG",
                    size=Size(image.height, image.width),
                    has_16_bits=bit_depth == 16,
                    is_gray=is_gray,
                    has_alpha=has_alpha,
                    frames=int(getattr(image, "n_frames", 1)),
                    orientation=_orientation(image, is_png),
                    dpi=image.info.get("dpi"),
                )
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, struct.error, zlib.error) as error:
        raise _damaged(path) from error


def _foreign_colours(path: Path, mode: str) -> UnreadableFileError:
    return UnreadableFileError(
        Problem(
            "E-READ-105",
            f"the picture's colours are stored as {mode}, which has no lossless way to red, green and blue.",
            "save it as RGB PNG or as TIFF.",
            Place(file=path.name),
        )
    )


def _orientation(image: Any, is_png: bool) -> int:
    """EXIF orientation, 1 (as stored) where there is none. Of a PNG only what comes before the pixels is looked at."""
    from PIL import Image

    if is_png:
        exif = Image.Exif()
        exif.load(image.info.get("exif", b""))
    else:
        exif = image.getexif()
    value = exif.get(_ORIENTATION, 1)
    return value if isinstance(value, int) else 1


def _decode(path: Path, picture: _Picture) -> NDArray[Any]:
    """Every pixel, shape (1 or 3, height, width). Raises UnreadableFileError."""
    from PIL import Image

    try:
        if picture.has_16_bits:
            pixels = _decode_16_bits(path)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with Image.open(path, formats=("PNG", "JPEG")) as image:
                    pixels = np.asarray(image if image.mode not in {"P", "1"} else image.convert(_plain(picture)))
    except (OSError, SyntaxError, ValueError, IndexError, struct.error, zlib.error) as error:
        raise _damaged(path) from error
    if pixels.ndim == 2:
        pixels = pixels[:, :, np.newaxis]
    pixels = np.moveaxis(pixels[:, :, : 1 if picture.is_gray else 3], -1, 0)
    if pixels.shape[1:] != (picture.size.height, picture.size.width):
        raise _damaged(path)
    return pixels


def _plain(picture: _Picture) -> str:
    return "L" if picture.is_gray else "RGB"


def _decode_16_bits(path: Path) -> NDArray[Any]:
    import imagecodecs

    try:
        pixels: NDArray[Any] = imagecodecs.png_decode(path.read_bytes())
    except imagecodecs.PngError as error:
        raise _damaged(path) from error
    return pixels


def _left_out(picture: _Picture, place: Place) -> tuple[Problem, ...]:
    problems = []
    if picture.has_alpha:
        problems.append(
            Problem(
                "N-READ-100",
                "the picture has transparency, which is left out.",
                "nothing, unless the transparent parts hide something: then save it without transparency.",
                place,
            )
        )
    if picture.orientation != 1:
        problems.append(
            Problem(
                "W-READ-101",
                f"the file asks viewers to turn or mirror the picture (EXIF orientation {picture.orientation}); "
                "pixels are taken as they are stored.",
                "if masks or other images of this tissue fit the turned picture, save the picture turned.",
                place,
            )
        )
    if picture.frames != 1:
        problems.append(
            Problem(
                "W-READ-102",
                f"the file holds {picture.frames} pictures; only the first is read.",
                "save the others as files of their own, if they are wanted.",
                place,
            )
        )
    return tuple(problems)


def _pixel_size(picture: _Picture, file: str) -> Measured:
    """The pixel size, where dots per inch are those of a microscope and not of a printer."""
    if picture.dpi is None:
        return absent(file)
    x, y = (UM_PER_INCH / dpi if dpi else math.inf for dpi in picture.dpi)
    return from_um(x, y, f"{picture.format} dots per inch", file)


def _damaged(path: Path) -> UnreadableFileError:
    return UnreadableFileError(
        Problem(
            "E-READ-104",
            "the picture is damaged or incomplete.",
            "copy it again from its source, or open it in an image viewer and save it anew.",
            Place(file=path.name),
        )
    )


def _too_large(path: Path) -> UnreadableFileError:
    return UnreadableFileError(
        Problem(
            "E-READ-106",
            "the picture is too large for a format that can only be decoded whole.",
            "save it as tiled OME-TIFF, for example with QuPath or bioformats2raw.",
            Place(file=path.name),
        )
    )
