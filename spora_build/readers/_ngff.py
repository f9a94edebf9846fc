"""OME-Zarr metadata (NGFF 0.1 to 0.5) as frozen values: axes, size of a pixel, channel names."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from spora_build.readers._pixel_size import Measured, absent, from_units

_LONGEST_JSON = 1 << 26
_OLD_AXES = ("t", "c", "z", "y", "x")
"""Before NGFF 0.3 every image had these."""
_COLOURS = ["FF0000", "00FF00", "0000FF"]
_COLOUR_NAMES = (["r", "g", "b"], ["red", "green", "blue"])


class NgffError(ValueError):
    """The metadata say what cannot be."""


@dataclass(frozen=True)
class NgffImage:
    """What ``multiscales`` and ``omero`` say about an image."""

    array: str
    """Path of the array of full resolution, below the group."""
    axes: tuple[str, ...]
    """``("t", "c", "z", "y", "x")`` or some of them, always ending in y, x."""
    channel_names: tuple[str, ...]
    """Labels of ``omero``, empty where there are none; may be of another number than the channels."""
    says_colour: bool
    """Whether its three channels are called or coloured red, green and blue, and not otherwise named."""
    measured: Measured


def read_json(path: Path) -> dict[str, Any]:
    """A small JSON object. Raises NgffError, also where the file is absent."""
    try:
        if path.stat().st_size > _LONGEST_JSON:
            raise NgffError(f"{path.name} is implausibly large")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NgffError(f"{path.name} cannot be read") from error
    except (ValueError, RecursionError) as error:
        raise NgffError(f"{path.name} is damaged") from error
    if not isinstance(content, dict):
        raise NgffError(f"{path.name} is no JSON object")
    return content


def group_attributes(folder: Path) -> dict[str, Any] | None:
    """OME attributes of a Zarr group of format 2 or 3; None where the folder is none. Raises NgffError."""
    if (folder / "zarr.json").is_file():
        attributes = read_json(folder / "zarr.json").get("attributes")
        ome = attributes.get("ome") if isinstance(attributes, dict) else None
        # Early writers of format 3 left out the "ome" level.
        return ome if isinstance(ome, dict) else attributes if isinstance(attributes, dict) else {}
    if (folder / ".zattrs").is_file():
        return read_json(folder / ".zattrs")
    return None


def parse_image(attributes: dict[str, Any], file: str) -> NgffImage:
    """The first multiscale image of a group's attributes. Raises NgffError."""
    try:
        multiscale = attributes["multiscales"][0]
        dataset = multiscale["datasets"][0]
        array = str(dataset["path"])
        axes, units = _axes(multiscale)
        scale = _scale(multiscale, dataset, len(axes))
        names, colours = _channels(attributes)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise NgffError("its multiscales metadata are incomplete") from error
    parts = PurePosixPath(array).parts
    if not parts or ".." in parts or "/" in parts or "\\" in array:
        raise NgffError("its pixels would lie outside of the image")
    plain = [name.casefold() for name in names]
    is_default = all(not name or name.casefold().removeprefix("channel").strip(" _:").isdigit() for name in names)
    measured = absent(file)
    if scale is not None:
        measured = from_units(scale[-1], scale[-2], units[-1], units[-2], "OME-Zarr scale", file)
    return NgffImage(
        array,
        axes,
        names if any(names) else (),
        plain in _COLOUR_NAMES or (is_default and colours == _COLOURS),
        measured,
    )


def series_paths(folder: Path) -> list[str]:
    """Images of a folder that bioformats2raw wrote: as OME/series lists them, else ``0``, ``1``, … Raises NgffError."""
    attributes = group_attributes(folder / "OME") or {}
    listed = attributes.get("series")
    if isinstance(listed, list) and listed:
        if not all(isinstance(name, str) and name and not {".", ".."} & set(name.split("/")) for name in listed):
            raise NgffError("its list of series is damaged")
        return [name.strip("/") for name in listed]
    names: list[str] = []
    while (folder / str(len(names))).is_dir():
        names.append(str(len(names)))
    return names


def _axes(multiscale: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and units of the axes."""
    listed = multiscale.get("axes")
    if listed is None:
        return _OLD_AXES, ("",) * len(_OLD_AXES)
    names = tuple(axis if isinstance(axis, str) else str(axis["name"]) for axis in listed)
    units = tuple("" if isinstance(axis, str) else str(axis.get("unit") or "") for axis in listed)
    if names != tuple(axis for axis in _OLD_AXES if axis in names) or names[-2:] != ("y", "x"):
        raise NgffError(f"its {len(names)} axes are not some of t, c, z, y, x in that order")
    return names, units


def _scale(multiscale: dict[str, Any], dataset: dict[str, Any], count: int) -> list[float] | None:
    """Units per pixel along each axis: the array's own scale times that of the whole image."""
    found = None
    for owner in (dataset, multiscale):
        for transformation in owner.get("coordinateTransformations") or []:
            if transformation.get("type") != "scale":
                continue
            values = [float(value) for value in transformation["scale"]]
            if len(values) != count:
                raise NgffError(f"a scale has {len(values)} numbers for {count} axes")
            found = [a * b for a, b in zip(found or [1.0] * count, values, strict=True)]
    if found is not None and not all(map(math.isfinite, found[-2:])):
        raise NgffError("its scale is not finite")
    return found


def _channels(attributes: dict[str, Any]) -> tuple[tuple[str, ...], list[str]]:
    """Labels and colours of ``omero.channels``."""
    channels = (attributes.get("omero") or {}).get("channels") or []
    names = tuple(str(channel.get("label") or "").strip() for channel in channels)
    return names, [str(channel.get("color") or "").removeprefix("#").upper() for channel in channels]
