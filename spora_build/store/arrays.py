"""Named arrays on disk: what workers leave for the parent, and for the next run, because it is too large to send."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.store.atomic import write_beside

_lib: Any = imagecodecs  # its type hints know no arrays


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write flat arrays of numbers, whole or not at all."""
    with write_beside(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **{f"{name}:{array.dtype.str}": _pack(array) for name, array in arrays.items()})  # type: ignore[arg-type]


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays by name. Raises InvalidDataError where the file is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            named = [(name, *name.split(":")) for name in archive.files]
            return {name: _unpack(archive[key], np.dtype(dtype)) for key, name, dtype in named}
    except (OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise InvalidDataError(
            Problem(
                "E-SCRATCH-001",
                "an intermediate file of this run is missing or damaged.",
                "run the stage again.",
                Place(file=path.name),
            )
        ) from error


def _pack(array: NDArray[Any]) -> NDArray[np.uint8]:
    """A third of the size for counts of pixels, at a thousand megabytes a second."""
    if array.ndim != 1:
        raise ValueError("only flat arrays are written")
    data = np.ascontiguousarray(array)
    if not data.size:
        return np.empty(0, np.uint8)
    packed = _lib.blosc_encode(data, level=1, compressor="zstd", shuffle=1, typesize=data.dtype.itemsize, numthreads=1)
    return np.frombuffer(packed, np.uint8)


def _unpack(packed: NDArray[np.uint8], dtype: np.dtype[Any]) -> NDArray[Any]:
    if not packed.size:
        return np.empty(0, dtype)
    return np.frombuffer(_lib.blosc_decode(packed.tobytes(), numthreads=1), dtype).copy()
