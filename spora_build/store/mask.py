"""Masks as ``.npz`` files with one array under the key ``mask``, the same bytes for the same mask."""

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

KEY = "mask"
DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, tokenize.TokenError)
"""What numpy and zipfile raise where a file is cut off or is something else."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Zip members carry a time; a fixed one keeps files reproducible (numpy does the same)."""
_PIECE_BYTES = 1 << 20


def write_mask(path: Path, mask: NDArray[Any]) -> None:
    """Write a (H, W) mask as ``np.savez_compressed`` would, atomically."""
    write_mask_bands(path, mask.shape, mask.dtype, [mask])


def write_mask_bands(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], bands: Iterable[NDArray[Any]]) -> None:
    """Write a mask that comes from top to bottom in bands of rows: the bytes of :func:`write_mask`, in flat memory.

    Raises ValueError, and leaves nothing behind, where the bands are not of this shape and type.
    """
    with (
        write_beside(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive,
    ):
        member = zipfile.ZipInfo(f"{KEY}.npy", date_time=_EPOCH)
        member.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(member, "w", force_zip64=True) as stream:
            header = {"shape": shape, "fortran_order": False, "descr": npy.dtype_to_descr(dtype)}
            npy.write_array_header_1_0(stream, header)
            for piece in _pieces(_checked(bands, shape, dtype)):
                stream.write(piece)


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
