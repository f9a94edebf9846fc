"""Raw file formats: one module each, found by itself.

A reader is a module of this package with two functions::

    def can_read(path: Path) -> bool: ...
    @contextmanager
    def open_rois(path: Path) -> Iterator[list[Roi]]: ...

and an optional ``PRIORITY`` (int, default 0; higher is asked first).
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Protocol, cast

from spora_build.errors import Place, Problem, UnreadableFileError
from spora_build.model.roi import Roi
from spora_build.readers._cycles import read_name_list
from spora_build.readers._dtype import as_stored, stored_dtype
from spora_build.readers._foreign import foreign_problem
from spora_build.readers._geojson import Outline, Outlines
from spora_build.readers._outlines import is_outlines, read_outlines
from spora_build.readers._segmentation_planes import plane_names

__all__ = [
    "Outline",
    "Outlines",
    "Reader",
    "find_reader",
    "foreign_problem",
    "is_outlines",
    "open_labels",
    "open_rois",
    "read_name_list",
    "read_outlines",
    "readers",
    "stored_dtype",
]


class Reader(Protocol):
    """What a module of this package offers."""

    __name__: str

    def can_read(self, path: Path) -> bool:
        """Whether this reader takes the file or folder; looks at content where it can, never raises."""
        ...

    def open_rois(self, path: Path) -> AbstractContextManager[list[Roi]]:
        """Every acquisition of the file, in file order. Raises UnreadableFileError."""
        ...


@cache
def readers() -> tuple[Reader, ...]:
    """Every reader, the one with the highest PRIORITY first, then by name."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    modules.sort(key=lambda module: -getattr(module, "PRIORITY", 0))
    return tuple(cast("Reader", module) for module in modules)


def find_reader(path: Path) -> Reader | None:
    """The first reader that takes this file or folder; none for pipes and devices, which would block or never end.

    None too for formats that are known and not read: :func:`foreign_problem` says why.
    """
    if not (path.is_file() or path.is_dir()) or foreign_problem(path) is not None:
        return None
    return next((reader for reader in readers() if reader.can_read(path)), None)


@contextmanager
def open_rois(path: Path) -> Iterator[list[Roi]]:
    """Open a raw file or folder with the reader that takes it. Raises UnreadableFileError."""
    reader = find_reader(path)
    if reader is None and path.exists() and not os.access(path, os.R_OK):
        raise UnreadableFileError(
            Problem(
                "E-READ-004",
                "permission to read this file was refused.",
                "check its rights, and those of its folder.",
                Place(file=path.name),
            )
        )
    if reader is None:
        raise UnreadableFileError(
            foreign_problem(path)
            or Problem(
                "E-READ-001",
                "no reader takes this file: it is not an image format that spora-build knows.",
                "run `spora-build inspect` on the folder to see what is readable, or export it as OME-TIFF.",
                Place(file=path.name),
            )
        )
    with reader.open_rois(path) as rois:
        yield rois


@contextmanager
def open_labels(path: Path) -> Iterator[list[Roi]]:
    """Open a label mask: like :func:`open_rois`, but with the dtype and values of the file (int32, int64, bool…).

    Planes are named where the file says what they mean.
    """
    with open_rois(path) as rois:
        stored = [as_stored(roi) for roi in rois]
        if len(stored) == 1 and stored[0].channel_count > 1 and not stored[0].channel_names and path.is_file():
            names = plane_names(path)
            if len(names) == stored[0].channel_count:
                stored = [replace(stored[0], channel_names=names)]
        yield stored
