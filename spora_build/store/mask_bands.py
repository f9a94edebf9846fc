"""Masks read from top to bottom in bands of rows, so that memory does not grow with the image."""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.store.mask import KEY, read_mask

_BAND_BYTES = 8 << 20


def read_mask_bands(path: Path, rows: int | None = None) -> Iterator[NDArray[Any]]:
    """Bands of ``rows`` rows, the last one shorter where they do not add up; about 8 MB each where rows is None.

    Each band has shape (rows, W) and the mask's dtype, and may be overwritten once the next one is asked for. A mask
    stored by columns (Fortran order) is read whole first. Raises InvalidDataError where the file is no mask.
    """
    with _reported(path), zipfile.ZipFile(path) as archive, archive.open(f"{KEY}.npy") as stream:
        (height, width), fortran, dtype = _read_header(stream)
        if archive.getinfo(f"{KEY}.npy").file_size - stream.tell() != height * width * dtype.itemsize:
            raise ValueError("the header promises another size than the member has")
        if rows is None:
            rows = max(1, _BAND_BYTES // max(1, width * dtype.itemsize))
        if not fortran:
            band = np.empty((min(rows, height), width), dtype)
            for row in range(0, height, rows):
                part = band[: min(rows, height - row)]
                _fill(stream, part)
                yield part
            stream.read(1)  # at the end of the member its checksum is verified
            return
    whole = read_mask(path)
    for row in range(0, height, rows):
        yield whole[row : row + rows]


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, int], bool, np.dtype[Any]]:
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if len(shape) != 2 or dtype.hasobject:
        raise ValueError(f"no mask: shape {shape}, {dtype}")
    return (shape[0], shape[1]), fortran and math.prod(shape) > 1, dtype


def _fill(stream: IO[bytes], band: NDArray[Any]) -> None:
    view = band.reshape(-1).view(np.uint8).data
    filled = 0
    while filled < len(view):
        piece = stream.read(min(len(view) - filled, 1 << 20))
        if not piece:
            raise EOFError("the mask ends early")
        view[filled : filled + len(piece)] = piece
        filled += len(piece)


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, tokenize.TokenError) as error:
        raise InvalidDataError(
            Problem(
                "E-MASK-001",
                f"this is no readable mask (an .npz file with one 2-D array under the key {KEY!r}).",
                "delete the file and run the stage again.",
                Place(file=path.name),
            )
        ) from error
