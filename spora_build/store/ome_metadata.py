"""The ``ome`` attributes of an image's group: multiscales and omero of OME-Zarr 0.5, written and read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

Json = dict[str, Any]

_NUCLEAR = re.compile(
    r"dapi|hoechst|draq5|sytox|nucle|iridium|histone|^dna(?![a-z])|^h3\b|^ir19[13]|19[13]ir$", re.IGNORECASE
)
_NUCLEAR_COLOR = "0000FF"
_COLORS = ("E69F00", "56B4E9", "009E73", "F0E442", "D55E00", "CC79A7", "FFFFFF")
"""Okabe and Ito's palette, which the colour-blind can tell apart, without its blue and its black."""
_RGB_COLORS = ("FF0000", "00FF00", "0000FF")
_ACTIVE_CHANNELS = 4
"""A viewer that mixes fifty channels at once shows white."""
_FLOAT_WINDOW = {"min": 0.0, "max": 65535.0, "start": 0.0, "end": 100.0}
"""Floats have no natural range; counts of mass cytometry mostly lie below 100."""


def group_metadata(
    channel_names: Sequence[str], dtype: np.dtype[Any], mpp: float, level_factors: Sequence[int], *, is_rgb: bool
) -> Json:
    """``zarr.json`` of the group.

    ``level_factors`` are the downsampling factors of the arrays ``0``, ``1``…: 1, 2, 4… Pixel centres of level n lie
    (factor − 1) / 2 pixels of level 0 further in, which is its translation.
    """
    axes: list[Json] = [{"name": "c", "type": "channel"}]
    axes += [{"name": name, "type": "space", "unit": "micrometer"} for name in ("y", "x")]
    datasets = [
        {"path": str(level), "coordinateTransformations": _transformations(mpp, factor)}
        for level, factor in enumerate(level_factors)
    ]
    ome = {
        "version": "0.5",
        "multiscales": [{"axes": axes, "datasets": datasets}],
        "omero": {"channels": _channels(channel_names, dtype, is_rgb=is_rgb)},
    }
    return {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}}


def channel_labels(ome: Json) -> tuple[str, ...]:
    """Labels of ``omero.channels``, empty where there are none."""
    channels = ome.get("omero", {}).get("channels", [])
    return tuple(str(channel.get("label", "")) for channel in channels)


def level_zero(ome: Json) -> tuple[str, float]:
    """Path of the full resolution's array and its mpp.

    Raises ValueError, KeyError, IndexError or TypeError where the metadata do not say or the pixels are not square.
    """
    multiscale = ome["multiscales"][0]
    axes = [axis["name"] for axis in multiscale["axes"]]
    if axes != ["c", "y", "x"]:
        raise ValueError("the axes are not c, y, x")
    dataset = multiscale["datasets"][0]
    y, x = _scale(dataset) * (_scale(multiscale) if "coordinateTransformations" in multiscale else 1.0)
    if y != x or not (np.isfinite(y) and y > 0):
        raise ValueError("the pixels are not square")
    return str(dataset["path"]), float(y)


def _scale(parent: Json) -> Any:
    for transformation in parent["coordinateTransformations"]:
        if transformation["type"] == "scale":
            return np.array([float(value) for value in transformation["scale"][1:3]])
    raise ValueError("there is no scale")


def _transformations(mpp: float, factor: int) -> list[Json]:
    transformations: list[Json] = [{"type": "scale", "scale": [1.0, mpp * factor, mpp * factor]}]
    if factor > 1:
        shift = mpp * (factor - 1) / 2
        transformations.append({"type": "translation", "translation": [0.0, shift, shift]})
    return transformations


def _channels(names: Sequence[str], dtype: np.dtype[Any], *, is_rgb: bool) -> list[Json]:
    colors = list(_RGB_COLORS) if is_rgb else _multiplex_colors(names)
    window: Json = _FLOAT_WINDOW
    if dtype.kind in "ui":
        low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
        window = {"min": low, "max": high, "start": low, "end": high}
    return [
        {"label": name, "color": color, "active": n < _ACTIVE_CHANNELS, "window": dict(window)}
        for n, (name, color) in enumerate(zip(names, colors, strict=True))
    ]


def _multiplex_colors(names: Sequence[str]) -> list[str]:
    colors = []
    others = 0
    for name in names:
        if _NUCLEAR.search(name):
            colors.append(_NUCLEAR_COLOR)
        else:
            colors.append(_COLORS[others % len(_COLORS)])
            others += 1
    return colors
