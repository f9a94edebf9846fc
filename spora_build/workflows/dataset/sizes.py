"""How much there is to do for a tissue, from the headers of what is stored: the most goes first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from spora_build.errors import InvalidDataError
from spora_build.store.array_promise import promised_bytes
from spora_build.store.image import open_image
from spora_build.store.mask import read_mask_header

J = TypeVar("J")


def largest_first(jobs: Iterable[J], size: Callable[[J], int]) -> Sequence[J]:
    """Jobs by falling size, so that no worker is left alone with a large one at the end."""
    return sorted(jobs, key=size, reverse=True)


def image_values(paths: Iterable[Path]) -> int:
    """Values (pixels × channels) of stored images; those that cannot be read count nothing."""
    total = 0
    for path in paths:
        try:
            total += math.prod(open_image(path).array.shape)
        except InvalidDataError:
            continue
    return total


def array_bytes(path: Path | None) -> int:
    """Bytes that an array file (``.npy``, ``.npz``) takes when it is read; 0 for others and what cannot be read."""
    if path is None or path.suffix.lower() not in (".npy", ".npz"):
        return 0
    try:
        return promised_bytes(path)
    except (OSError, ValueError, KeyError):
        return 0


def mask_pixels(path: Path) -> int:
    """Pixels of a stored mask; 0 where it cannot be read."""
    try:
        return math.prod(read_mask_header(path)[0])
    except (InvalidDataError, OSError):
        return 0
