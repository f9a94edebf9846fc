"""Named arrays on disk for a while: what workers leave for the parent because it is too large to send."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.store.atomic import write_beside


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays of numbers, uncompressed, whole or not at all."""
    with write_beside(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays by name. Raises InvalidDataError where the file is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InvalidDataError(
            Problem(
                "E-SCRATCH-001",
                "an intermediate file of this run is missing or damaged.",
                "run the stage again.",
                Place(file=path.name),
            )
        ) from error
