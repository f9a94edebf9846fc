"""Sizes that the tiles of a CZI file claim, checked before libCZI asks for so much memory and does not look if it came.

The layout is that of Zeiss's ZISRAW format: segments with a header of 32 bytes (name, bytes allocated, bytes used).
"""

from __future__ import annotations

import struct

import numpy as np

from spora_build.readers._file_bytes import FileBytes

_SEGMENT_BYTES = 32
_DIRECTORY_AT = _SEGMENT_BYTES + 52
"""Where the file header says the place of the directory."""
_DIRECTORY_HEAD_BYTES = 128
_ENTRY = struct.Struct("<2si q 14x i")
"""Schema, pixel type, place of the tile; part, compression, level; number of dimensions."""
_DIMENSION = struct.Struct("<4siifi")
_TILE = struct.Struct("<16s 16x ii q")
"""Name of the segment; bytes of metadata, attachment and pixels."""


class TileClaims:
    """The places of all tiles of a file, and which of them have been looked at."""

    def __init__(self, file: FileBytes) -> None:
        """Read the directory. Raises ValueError or UnreadableFileError where it makes no sense."""
        self._file = file
        self._places = np.array(_directory(file), np.int64).reshape(-1, 5)
        self._is_checked = np.zeros(len(self._places), bool)

    def check(self, col: int, row: int, width: int, height: int) -> None:
        """Look at the tiles in a rectangle of the slide.

        Raises ValueError or UnreadableFileError where one claims more than the file holds.
        """
        x, y, w, h = self._places[:, 1:].T
        touched = (x < col + width) & (x + w > col) & (y < row + height) & (y + h > row) & ~self._is_checked
        for index in np.flatnonzero(touched):
            place = int(self._places[index, 0])
            name, *lengths = _TILE.unpack(self._file.read(place, _TILE.size))
            if not name.startswith(b"ZISRAWSUBBLOCK") or min(lengths) < 0 or place + sum(lengths) > self._file.size:
                raise ValueError("a tile claims more than the file holds")
            self._is_checked[index] = True


def _directory(file: FileBytes) -> list[tuple[int, int, int, int, int]]:
    """Place in the file, column, row, width and height of every tile, levels too."""
    (start,) = struct.unpack("<q", file.read(_DIRECTORY_AT, 8))
    _, used = struct.unpack("<qq", file.read(start + 16, 16))
    content = file.read(start + _SEGMENT_BYTES, used)
    (count,) = struct.unpack_from("<i", content)
    at = _DIRECTORY_HEAD_BYTES
    found = []
    for _ in range(count):
        if at + _ENTRY.size > len(content):
            raise ValueError("the directory of tiles ends early")
        _, _, place, dimensions = _ENTRY.unpack_from(content, at)
        at += _ENTRY.size
        if not 0 <= dimensions * _DIMENSION.size <= len(content) - at:
            raise ValueError("the directory of tiles ends early")
        sides = {}
        for _ in range(dimensions):
            axis, first, size, _, _ = _DIMENSION.unpack_from(content, at)
            sides[axis[:1]] = (first, size)
            at += _DIMENSION.size
        (col, width), (row, height) = sides.get(b"X", (0, 0)), sides.get(b"Y", (0, 0))
        found.append((place, col, row, width, height))
    return found
