"""What the two ``zarr.json`` files of an image say, without opening a pixel."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from spora_build.model.geometry import Size
from spora_build.model.modality import Modality

Json = dict[str, Any]


@dataclass(frozen=True)
class StoredImage:
    """One ``<tissue_id>.ome.zarr`` as it lies on disk; properties are None where the metadata do not say."""

    path: Path
    place: str
    """Path relative to the dataset."""
    modality: Modality
    mpp: float
    """Of the folder it lies in."""
    tissue_id: str

    @cached_property
    def group_text(self) -> str | None:
        """The group's ``zarr.json``."""
        return _read_text(self.path / "zarr.json")

    @cached_property
    def group(self) -> Json | None:
        """The group's metadata."""
        return _parse(self.group_text)

    @cached_property
    def array(self) -> Json | None:
        """Metadata of the array ``0``."""
        return _parse(_read_text(self.path / "0" / "zarr.json"))

    @property
    def ome(self) -> Json:
        """The ``ome`` attributes, empty where there are none."""
        return mapping(mapping(self.group or {}, "attributes"), "ome")

    @property
    def multiscale(self) -> Json:
        """The first multiscale, empty where there is none."""
        return first(self.ome.get("multiscales"))

    @property
    def axes(self) -> list[Json]:
        """The axes of the first multiscale."""
        return objects(self.multiscale.get("axes"))

    @property
    def first_dataset(self) -> Json:
        """The dataset at full resolution of the first multiscale."""
        return first(self.multiscale.get("datasets"))

    @property
    def scale(self) -> list[float] | None:
        """The scale of the first dataset, times that of the multiscale where it has one."""
        own = _scale(self.first_dataset)
        whole = _scale(self.multiscale)
        if own is None or whole is None or len(own) != len(whole):
            return own
        return [a * b for a, b in zip(own, whole, strict=True)]

    @property
    def labels(self) -> list[str] | None:
        """Labels of ``omero.channels``."""
        channels = mapping(self.ome, "omero").get("channels")
        if not isinstance(channels, list):
            return None
        return [str(channel.get("label")) if isinstance(channel, dict) else "" for channel in channels]

    @cached_property
    def shape(self) -> tuple[int, int, int] | None:
        """(C, H, W); None where the array has no three axes."""
        return _three(self.array.get("shape")) if self.array else None

    @property
    def size(self) -> Size | None:
        """Height and width."""
        return Size(self.shape[1], self.shape[2]) if self.shape and min(self.shape) > 0 else None

    @property
    def dtype(self) -> str | None:
        """Zarr's name of the data type: ``uint16``, ``float32``…"""
        name = self.array.get("data_type") if self.array else None
        return name if isinstance(name, str) else None

    @cached_property
    def sharding(self) -> Json | None:
        """Configuration of the sharding codec."""
        for codec in objects(self.array.get("codecs") if self.array else None):
            if codec.get("name") == "sharding_indexed":
                return mapping(codec, "configuration")
        return None

    @property
    def file_shape(self) -> tuple[int, int, int] | None:
        """Shape of what one file holds: the shard, or the chunk where there are no shards."""
        grid = mapping(self.array or {}, "chunk_grid")
        return _three(mapping(grid, "configuration").get("chunk_shape"))

    @property
    def chunk_shape(self) -> tuple[int, int, int] | None:
        """Shape of the inner chunk (of the only chunk where there are no shards)."""
        return _three(self.sharding.get("chunk_shape")) if self.sharding else self.file_shape

    @property
    def chunk_codecs(self) -> list[Json]:
        """Codecs of a chunk, in order."""
        if self.sharding is not None:
            return objects(self.sharding.get("codecs"))
        return objects(self.array.get("codecs") if self.array else None)

    @property
    def file_grid(self) -> tuple[int, int, int] | None:
        """Number of files along each axis."""
        if self.shape is None or self.file_shape is None or min(self.file_shape) < 1:
            return None
        c, h, w = (math.ceil(n / step) for n, step in zip(self.shape, self.file_shape, strict=True))
        return c, h, w

    @property
    def file_count(self) -> int:
        """Number of shards; 0 where the metadata do not say."""
        return math.prod(self.file_grid) if self.file_grid else 0


def mapping(parent: Json, key: str) -> Json:
    """The object under a key, empty where there is none."""
    child = parent.get(key)
    return child if isinstance(child, dict) else {}


def objects(value: object) -> list[Json]:
    """The objects of a list, empty where it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def first(value: object) -> Json:
    """The first object of a list, empty where there is none."""
    return next(iter(objects(value)), {})


def _scale(parent: Json) -> list[float] | None:
    for transformation in objects(parent.get("coordinateTransformations")):
        scale = transformation.get("scale")
        if isinstance(scale, list) and all(isinstance(n, int | float) for n in scale):
            return [float(n) for n in scale]
    return None


def _three(value: object) -> tuple[int, int, int] | None:
    if isinstance(value, list) and len(value) == 3 and all(type(n) is int for n in value):
        return value[0], value[1], value[2]
    return None


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _parse(text: str | None) -> Json | None:
    try:
        value = json.loads(text) if text is not None else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
