"""Take away what a crash left half-written, and put back what it had renamed away."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spora_build.store.atomic import REPLACED_SUFFIX, TEMPORARY_SUFFIX, remove

_REPLACED = re.compile(rf"^\.(?P<name>.+)\.[0-9a-f]{{12}}{re.escape(REPLACED_SUFFIX)}$")


@dataclass(frozen=True)
class Leftover:
    """One unfinished file or folder."""

    path: Path
    home: Path | None = None
    """The place it had been renamed away from, where nothing stands now; None: it is only in the way."""


def find_leftovers(root: Path) -> list[Leftover]:
    """Everything unfinished below a folder, sorted; the insides of finished images are not looked at."""
    return sorted(_find(root), key=lambda left: left.path)


def _find(root: Path) -> Iterator[Leftover]:
    for at, folders, files in os.walk(root):
        folder = Path(at)
        for name in [*folders, *files]:
            if name.endswith(TEMPORARY_SUFFIX):
                yield Leftover(folder / name, _home(folder, name))
        folders[:] = [name for name in folders if not name.endswith((TEMPORARY_SUFFIX, ".ome.zarr"))]


def _home(folder: Path, name: str) -> Path | None:
    match = _REPLACED.match(name)
    if match is None or (folder / match["name"]).exists():
        return None
    return folder / match["name"]


def sweep(root: Path) -> list[Leftover]:
    """Remove or put back everything unfinished below a folder. Only for who holds the dataset's lock."""
    done = []
    for left in find_leftovers(root):
        if left.home is not None and not left.home.exists():
            left.path.rename(left.home)
        else:
            remove(left.path)
        done.append(left)
    return done
