"""Imaging mass cytometry as text: one line per ablated pixel, one column per metal."""

from __future__ import annotations

import csv
import re
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
from spora_build.readers._pixel_size import absent
from spora_build.readers._segment_cache import SegmentCache
from spora_build.readers._whole_image import WholeImage

_FIRST_COLUMNS = ("Start_push", "End_push", "Pushes_duration", "X", "Y", "Z")
_SIGNATURE = "\t".join(_FIRST_COLUMNS).encode()
_BOM = b"\xef\xbb\xbf"
_X, _Y, _FIRST_CHANNEL = 3, 4, 6
# 191Ir_DNA1(Ir191Di): the label is everything before the last bracket, which holds metal and mass.
_CHANNEL = re.compile(r"^(?P<label>.*)\((?P<metal>[a-zA-Z]+)(?P<mass>[0-9]+)[^0-9()]*\)$", re.DOTALL)
_LONGEST_HEADER = 1 << 20
_VALUES_PER_PIECE = 1 << 22
_SPARSEST = 4
"""Fewer than one pixel in four of the rectangle that the coordinates span is no raster scan."""


@dataclass(frozen=True)
class TextImage:
    """What the header line and the coordinates of a text file tell."""

    labels: tuple[str, ...]
    """As the lab named them, the metal tag where the lab gave none."""
    metals: tuple[str, ...]
    """``Pr141``."""
    size: Size
    pixel_count: int
    """Lines of pixels; fewer than height · width where the acquisition was stopped."""

    @property
    def missing_count(self) -> int:
        """Pixels of the rectangle that the file has no line for."""
        return max(0, self.size.height * self.size.width - self.pixel_count)


def can_read(path: Path) -> bool:
    """Whether the file starts with the column names that the instrument writes."""
    try:
        with path.open("rb") as file:
            return file.read(len(_BOM) + len(_SIGNATURE)).removeprefix(_BOM).startswith(_SIGNATURE)
    except OSError:
        return False


@contextmanager
def open_rois(path: Path) -> Iterator[list[Roi]]:
    """The one acquisition of a text file. Raises UnreadableFileError."""
    image = inspect_text(path)
    pixel_size, size_problems = absent(path.name)
    cache = SegmentCache()
    try:
        yield [
            Roi(
                name="",
                channel_names=image.labels,
                channel_count=len(image.labels),
                size=image.size,
                dtype=np.dtype(np.float32),
                is_rgb=False,
                pixel_size=pixel_size,
                block=image.size,
                source=WholeImage(lambda: read_text(path, image), cache),
                format="IMC txt",
                modality_hint="imc",
                problems=(*size_problems, *missing_pixels(image.missing_count, image.size, Place(file=path.name))),
                channel_tags=image.metals,
            )
        ]
    finally:
        cache.clear()


def missing_pixels(count: int, size: Size, place: Place) -> tuple[Problem, ...]:
    """The warning for an acquisition that was stopped before its end; nothing where no pixel is missing."""
    if count == 0:
        return ()
    share = 100 * count / (size.height * size.width)
    return (
        Problem(
            "W-READ-122",
            f"the acquisition has no data for {count} of its {size.height} × {size.width} pixels ({share:.1f} %); "
            "they are read as 0.",
            "nothing, if the ablation was stopped; otherwise copy the file again from the instrument.",
            place,
        ),
    )


def inspect_text(path: Path) -> TextImage:
    """Channels and size of a text file, without parsing its pixels where it is a full raster scan.

    Raises UnreadableFileError.
    """
    labels, metals = _read_channels(path)
    count, last_line = _count_lines(path, _FIRST_CHANNEL + len(labels))
    size = _raster_size(count, last_line)
    if size is None:
        size, count = _measure(path, len(labels))
    if count * _SPARSEST < size.height * size.width:
        raise _unreadable(path, f"its {count} pixels do not fill an image of {size.height} × {size.width}")
    return TextImage(labels, metals, size, count)


def read_text(path: Path, image: TextImage) -> NDArray[np.float32]:
    """Every pixel, shape (channels, height, width); pixels without a line are 0. Raises UnreadableFileError.

    Numbers are parsed by pandas as float32, as readimc does it.
    """
    channels = range(_FIRST_CHANNEL, _FIRST_CHANNEL + len(image.labels))
    pixels = np.zeros((len(channels), image.size.height, image.size.width), dtype=np.float32)
    for piece in _pieces(path, len(image.labels), (_X, _Y, *channels)):
        cols, rows = _coordinates(path, piece)
        if (cols >= image.size.width).any() or (rows >= image.size.height).any():
            raise _unreadable(path, f"a pixel lies outside the image of {image.size.height} × {image.size.width}")
        pixels[:, rows, cols] = piece[:, 2:].T
    return pixels


def _read_channels(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        with path.open("rb") as file:
            line = file.readline(_LONGEST_HEADER)
    except OSError as error:
        raise _unreadable(path, "it cannot be opened") from error
    if not line.endswith(b"\n"):
        raise _unreadable(path, "it ends within its first line")
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = line.decode("cp1252", errors="replace")
    columns = text.rstrip("\r\n").split("\t")
    if tuple(columns[:_FIRST_CHANNEL]) != _FIRST_COLUMNS:
        raise _unreadable(path, "its first columns are not those of an IMC text file")
    labels, metals = [], []
    for column in columns[_FIRST_CHANNEL:]:
        match = _CHANNEL.match(column)
        if match is None:
            raise _unreadable(path, f"column {column[:40]!r} names no metal, as in 'CD45(Sm152Di)'")
        metal = match["metal"] + match["mass"]
        metals.append(metal)
        labels.append(match["label"] or metal)
    if not labels:
        raise _unreadable(path, "it has no channel")
    return tuple(labels), tuple(metals)


def _count_lines(path: Path, column_count: int) -> tuple[int, list[bytes]]:
    """Number of lines below the header, and the cells of the last one.

    Raises UnreadableFileError where the last line has no end (a number may be cut in two) or a line lacks a column.
    """
    line_ends = tabs = 0
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            line_ends += piece.count(b"\n")
            tabs += piece.count(b"\t")
        file.seek(max(0, file.tell() - _LONGEST_HEADER))
        ending = file.read()
    if not ending.endswith(b"\n"):
        raise _unreadable(path, "it ends within a line, so it was not copied whole")
    table_end = ending.rstrip(b"\r\n")
    lines = line_ends - ending[len(table_end) :].count(b"\n")
    if tabs != (lines + 1) * (column_count - 1):
        raise _unreadable(path, f"not every line of its table has {column_count} columns")
    return lines, table_end.rpartition(b"\n")[2].split(b"\t")


def _raster_size(count: int, last_line: list[bytes]) -> Size | None:
    """The size, where the last line is the corner of a raster scan of exactly that many pixels."""
    try:
        width, height = int(last_line[_X]) + 1, int(last_line[_Y]) + 1
    except (IndexError, ValueError):
        return None
    if width < 1 or height < 1 or width * height != count:
        return None
    return Size(height, width)


def _measure(path: Path, channel_count: int) -> tuple[Size, int]:
    """Size and pixel count from every coordinate in the file."""
    width = height = count = 0
    for piece in _pieces(path, channel_count, (_X, _Y)):
        cols, rows = _coordinates(path, piece)
        count += len(cols)
        width, height = max(width, int(cols.max()) + 1), max(height, int(rows.max()) + 1)
    if count == 0:
        raise _unreadable(path, "it has no pixels")
    return Size(height, width), count


def _pieces(path: Path, channel_count: int, columns: tuple[int, ...]) -> Iterator[NDArray[np.float32]]:
    """These columns of the body as float32, some thousand lines at a time."""
    import pandas as pd

    width = _FIRST_CHANNEL + channel_count
    try:
        with pd.read_csv(
            path,
            sep="\t",
            header=None,
            names=range(width),
            index_col=False,
            skiprows=1,
            usecols=columns,
            dtype=np.float32,
            quoting=csv.QUOTE_NONE,
            encoding="latin-1",
            chunksize=max(1, _VALUES_PER_PIECE // width),
        ) as chunks:
            yield from (chunk.to_numpy() for chunk in chunks if len(chunk))
    except (ValueError, OverflowError, OSError) as error:
        raise _unreadable(path, "its table has a line that is not made of numbers") from error


def _coordinates(path: Path, piece: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Columns and rows of the pixels of a piece whose first two columns are X and Y."""
    places = piece[:, :2]
    # float32 counts exactly up to 2**24; anything beyond is no coordinate.
    if not ((places >= 0) & (places < 2**24) & (places == np.floor(places))).all():
        raise _unreadable(path, "its X and Y columns hold values that are no pixel coordinates")
    whole: NDArray[Any] = places.astype(np.intp)
    return whole[:, 0], whole[:, 1]


def _unreadable(path: Path, why: str) -> UnreadableFileError:
    return UnreadableFileError(
        Problem(
            "E-READ-120",
            f"this IMC text file cannot be read: {why}.",
            "copy it again from the instrument, or give the .mcd file of the same acquisition.",
            Place(file=path.name),
        )
    )
