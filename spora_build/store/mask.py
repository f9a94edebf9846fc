"""Masks as ``.npz`` files with one array under the key ``mask``, the same bytes for the same mask.

``np.load`` reads them; how they are deflated is :mod:`spora_build.store.pieced_zip`'s to say.
"""

from __future__ import annotations

import io
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.store.atomic import write_beside
from spora_build.store.pieced_zip import PIECE_BYTES, write_pieced_zip

KEY = "mask"
DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, tokenize.TokenError)
"""What numpy and zipfile raise where a file is cut off or is something else."""
_PIECE_BYTES = PIECE_BYTES


def write_mask(path: Path, mask: NDArray[Any]) -> None:
    """Write a (H, W) mask for ``np.load``, atomically."""
    write_mask_bands(path, mask.shape, mask.dtype, [mask])


def write_mask_bands(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], bands: Iterable[NDArray[Any]]) -> None:
    """Write a mask that comes from top to bottom in bands of rows: the bytes of :func:`write_mask`, in flat memory.

    Raises ValueError, and leaves nothing behind, where the bands are not of this shape and type.
    """
    with write_beside(path) as temporary, temporary.open("wb") as file:
        write_pieced_zip(file, f"{KEY}.npy", _member(bands, shape, dtype), runs=dtype == np.bool_)


def _member(
    bands: Iterable[NDArray[Any]], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Iterator[memoryview | bytes]:
    header = io.BytesIO()
    npy.write_array_header_1_0(header, {"shape": shape, "fortran_order": False, "descr": npy.dtype_to_descr(dtype)})
    yield header.getvalue()
    yield from _pieces(_checked(bands, shape, dtype))


def _checked(
    bands: Iterable[NDArray[Any]], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Iterator[memoryview | bytes]:
    rows = 0
    for band in bands:
        if band.shape[1:] != shape[1:] or band.dtype != dtype:
            raise ValueError(f"a band of {band.shape} {band.dtype} in a mask of {shape} {dtype}")
        rows += len(band)
        data: Any = np.ascontiguousarray(band).reshape(-1).view(np.uint8)
        yield memoryview(data)
    if rows != shape[0]:
        raise ValueError(f"{rows} rows of bands in a mask of {shape}")


def _pieces(bands: Iterable[memoryview | bytes]) -> Iterator[memoryview | bytes]:
    """The same bytes in pieces of one size: what a compressor makes of them may depend on how they come."""
    waiting = bytearray()
    for band in bands:
        at = 0
        if waiting:
            at = min(_PIECE_BYTES - len(waiting), len(band))
            waiting += band[:at]
            if len(waiting) < _PIECE_BYTES:
                continue
            yield bytes(waiting)
            waiting.clear()
        whole = at + (len(band) - at) // _PIECE_BYTES * _PIECE_BYTES
        for start in range(at, whole, _PIECE_BYTES):
            yield band[start : start + _PIECE_BYTES]
        waiting += band[whole:]
    if waiting:
        yield bytes(waiting)


def read_mask(path: Path) -> NDArray[Any]:
    """The (H, W) mask. Raises InvalidDataError where the file is no mask."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            mask: NDArray[Any] = archive[KEY]
    except DAMAGE as error:
        raise _unreadable(path) from error
    if mask.ndim != 2:
        raise _unreadable(path)
    return mask


def read_mask_header(path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype without decompressing the mask. Raises InvalidDataError."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{KEY}.npy") as stream:
            head = io.BytesIO(stream.read(4096))
        version = npy.read_magic(head)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(head)
    except DAMAGE as error:
        raise _unreadable(path) from error
    return shape, dtype


def _unreadable(path: Path) -> InvalidDataError:
    return InvalidDataError(
        Problem(
            "E-MASK-001",
            f"this is no readable mask (an .npz file with one 2-D array under the key {KEY!r}).",
            "delete the file and run the stage again.",
            Place(file=path.name),
        )
    )
