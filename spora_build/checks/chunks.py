"""Chunks, shards and codecs of images."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

from spora_build.checks.core import Violation, rule
from spora_build.checks.stored_image import StoredImage, mapping, objects
from spora_build.checks.view import DatasetView
from spora_build.errors import Severity

CHUNK_PX = 256
MAX_SHARDS = 100
AUTHORS_SHARD_PX = 1024
CORE_CODECS = {"bytes", "blosc", "zstd", "gzip", "crc32c", "transpose"}
"""Codecs that every zarr-python 3 decodes without another package."""
PLAIN_INDEX = ["bytes", "crc32c"]


def _arrays(view: DatasetView) -> list[StoredImage]:
    return [image for image in view.images if image.shape is not None]


@rule("V441", needs=["V406"], remedy="Convert the image again.")
def chunk_shape(view: DatasetView) -> Iterator[Violation]:
    """An inner chunk holds all channels of 256 × 256 pixels."""
    for image in _arrays(view):
        if image.shape and image.chunk_shape != (image.shape[0], CHUNK_PX, CHUNK_PX):
            yield Violation(image.place, f"{image.chunk_shape}")


@rule("V442", needs=["V406"], remedy="Convert the image again.")
def sharded(view: DatasetView) -> Iterator[Violation]:
    """Chunks are gathered in shards of a whole number of chunks a side, the same along both sides."""
    for image in _arrays(view):
        shard = image.file_shape
        if image.sharding is None:
            yield Violation(image.place, "not sharded")
        elif image.shape and (not shard or not _is_good_shard(shard, image.shape[0])):
            yield Violation(image.place, f"{shard}")


def _is_good_shard(shard: tuple[int, int, int], channels: int) -> bool:
    return shard[0] == channels and shard[1] == shard[2] and shard[1] > 0 and shard[1] % CHUNK_PX == 0


@rule("V443", needs=["V406"], remedy="Convert the image again with larger shards.")
def shard_count(view: DatasetView) -> Iterator[Violation]:
    """An image has at most 100 shards."""
    for image in _arrays(view):
        if image.file_count > MAX_SHARDS:
            yield Violation(image.place, f"{image.file_count} shards")


@rule(
    "V444", needs=["V406"], severity=Severity.WARNING, remedy="Convert the image again: readers pay for large shards."
)
def shard_size(view: DatasetView) -> Iterator[Violation]:
    """Shards are no larger than the 100 per image need, beyond 1024 × 1024 pixels."""
    for image in _arrays(view):
        shard, size = image.file_shape, image.size
        if image.sharding is None or shard is None or size is None or shard[1] <= AUTHORS_SHARD_PX:
            continue
        smaller = shard[1] - CHUNK_PX
        if math.ceil(size.height / smaller) * math.ceil(size.width / smaller) <= MAX_SHARDS:
            yield Violation(image.place, f"{shard[1]} px where {smaller} px would do")


@rule("V445", needs=["V406"], remedy="Convert the image again; zarr-python writes such an index by default.")
def shard_index(view: DatasetView) -> Iterator[Violation]:
    """The index of a shard is at its end, with codecs bytes and crc32c."""
    for image in _arrays(view):
        if image.sharding is not None:
            names = [codec.get("name") for codec in objects(image.sharding.get("index_codecs"))]
            where = image.sharding.get("index_location", "end")
            if names != PLAIN_INDEX or where != "end":
                yield Violation(image.place, f"{names}, at the {where}")


@rule("V446", needs=["V406"], remedy='Write dimension_names ["c", "y", "x"].')
def dimension_names(view: DatasetView) -> Iterator[Violation]:
    """The array's dimension names are c, y, x."""
    for image in _arrays(view):
        if (image.array or {}).get("dimension_names") != ["c", "y", "x"]:
            yield Violation(image.place)


@rule("V447", needs=["V406"], severity=Severity.WARNING, remedy="Convert the image again with blosc or zstd.")
def codecs(view: DatasetView) -> Iterator[Violation]:
    """Chunks are compressed by codecs that every zarr-python 3 has, in little-endian byte order."""
    for image in _arrays(view):
        names = {str(codec.get("name")) for codec in image.chunk_codecs}
        unknown = names - CORE_CODECS
        big = any(mapping(codec, "configuration").get("endian") == "big" for codec in image.chunk_codecs)
        if unknown or big:
            yield Violation(image.place, ", ".join(sorted(unknown)) or "big-endian")


@rule("V448", needs=["V406"], remedy="Download or convert the image again.")
def pixels_are_there(view: DatasetView) -> Iterator[Violation]:
    """An image has pixels on disk, not metadata alone."""
    for image in _arrays(view):
        if image.file_grid and not _files(view, image):
            yield Violation(image.place, "no shard where the metadata say they are")


@rule("V449", needs=["V448"], severity=Severity.NOTE, remedy="Nothing, where the tissue is empty there.")
def every_shard_is_there(view: DatasetView) -> Iterator[Violation]:
    """Every shard is on disk; an absent one is read as zeros, whether it was empty or is lost."""
    for image in _arrays(view):
        found = _files(view, image)
        if image.file_grid and 0 < len(found) < image.file_count:
            yield Violation(image.place, f"{image.file_count - len(found)} of {image.file_count} are absent")


@rule("V450", needs=["V406"], severity=Severity.WARNING, remedy="Delete the file, or convert the image again.")
def no_foreign_shards(view: DatasetView) -> Iterator[Violation]:
    """There are no shards outside the image."""
    for image in _arrays(view):
        if image.file_grid:
            outside = sum(any(i >= n for i, n in zip(key, image.file_grid, strict=True)) for key in _files(view, image))
            if outside:
                yield Violation(image.place, f"{outside} shards")


def _file_names(image: StoredImage) -> re.Pattern[str]:
    """What names of chunk files are like, below the array: zarr's chunk key encodings ``default`` and ``v2``."""
    encoding = mapping(image.array or {}, "chunk_key_encoding")
    is_v2 = encoding.get("name") == "v2"
    between = re.escape(str(mapping(encoding, "configuration").get("separator", "." if is_v2 else "/")))
    return re.compile(("" if is_v2 else f"c{between}") + between.join([r"(\d+)"] * 3))


def _files(view: DatasetView, image: StoredImage) -> list[tuple[int, int, int]]:
    """Positions of the chunk files on disk, named as the array's metadata say (``c/0/0/0`` unless they say else)."""

    def find() -> list[tuple[int, int, int]]:
        pattern = _file_names(image)
        root = image.path / "0"
        names = (os.path.relpath(Path(folder) / name, root) for folder, _, files in os.walk(root) for name in files)
        matches = (pattern.fullmatch(Path(name).as_posix()) for name in names)
        return [(int(m[1]), int(m[2]), int(m[3])) for m in matches if m]

    found: list[tuple[int, int, int]] = view.once(("files", image.path), find)
    return found
