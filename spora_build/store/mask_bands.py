"""Masks read from top to bottom in bands of rows, so that memory does not grow with the image."""

from __future__ import annotations

import math
import tokenize
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.store.mask import KEY, read_mask
from spora_build.store.pieced_zip import DAMAGE, read_pieces

_BAND_BYTES = 8 << 20


def read_mask_bands(path: Path, rows: int | None = None) -> Iterator[NDArray[Any]]:
    """Bands of ``rows`` rows, the last one shorter where they do not add up; about 8 MB each where rows is None.

    Each band has shape (rows, W) and the mask's dtype, and may be overwritten once the next one is asked for. A mask
    stored by columns (Fortran order) is read whole first. Raises InvalidDataError where the file is no mask.
    """
    with _reported(path), path.open("rb") as file:
        with zipfile.ZipFile(file) as archive:
            member = archive.getinfo(f"{KEY}.npy")
        source = _Source(read_pieces(file, member))
        (height, width), fortran, dtype = _read_header(source)
        if member.file_size - source.taken != height * width * dtype.itemsize:
            raise ValueError("the header promises another size than the member has")
        if rows is None:
            rows = max(1, _BAND_BYTES // max(1, width * dtype.itemsize))
        if not fortran:
            band = np.empty((min(rows, height), width), dtype)
            for row in range(0, height, rows):
                part = band[: min(rows, height - row)]
                source.fill(part.reshape(-1).view(np.uint8).data)
                if row + rows >= height and source.read(1):  # at the end of the member its checksum is verified
                    raise ValueError("the mask does not end where it should")
                yield part
            return
    whole = read_mask(path)
    for row in range(0, height, rows):
        yield whole[row : row + rows]


class _Source:
    """Pieces of bytes as a file that is read from first to last."""

    def __init__(self, pieces: Iterator[memoryview]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")
        self.taken = 0
        """Bytes read so far."""

    def read(self, size: int = 0, /) -> bytes:
        """Up to ``size`` bytes, fewer only at the end."""
        out = bytearray(size)
        return bytes(out[: self._fill(memoryview(out))])

    def fill(self, out: memoryview) -> None:
        """Fill a buffer. Raises EOFError where the bytes end before."""
        if self._fill(out) != len(out):
            raise EOFError("the mask ends early")

    def _fill(self, out: memoryview) -> int:
        filled = 0
        while filled < len(out):
            if not self._rest:
                piece = next(self._pieces, None)
                if piece is None:
                    break
                self._rest = piece
                continue
            count = min(len(out) - filled, len(self._rest))
            out[filled : filled + count] = self._rest[:count]
            self._rest = self._rest[count:]
            filled += count
        self.taken += filled
        return filled


def _read_header(source: _Source) -> tuple[tuple[int, int], bool, np.dtype[Any]]:
    version = npy.read_magic(source)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(source)
    if len(shape) != 2 or dtype.hasobject:
        raise ValueError(f"no mask: shape {shape}, {dtype}")
    return (shape[0], shape[1]), fortran and math.prod(shape) > 1, dtype


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except (*DAMAGE, tokenize.TokenError) as error:
        raise InvalidDataError(
            Problem(
                "E-MASK-001",
                f"this is no readable mask (an .npz file with one 2-D array under the key {KEY!r}).",
                "delete the file and run the stage again.",
                Place(file=path.name),
            )
        ) from error
