"""Polygons of cells from GeoJSON, as QuPath exports objects."""

from __future__ import annotations

import gzip
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import Place, Problem, UnreadableFileError

CELLS_FIRST = ("cell", "detection", "annotation")
_OTHER_WORDS = {
    *("tile", "root", "tma core", "tmaCore", "pathObject", "unknown"),
    *("Point", "MultiPoint", "LineString", "MultiLineString", "GeometryCollection", "Polygon", "MultiPolygon"),
}
"""QuPath's kinds of objects, the one that is a cell first: a file may hold the regions around cells too."""


@dataclass(frozen=True)
class Outline:
    """One cell as polygons with holes, in pixels from the image's upper left corner: (x, y) as GeoJSON has it."""

    number: int
    """Position of its feature in the file, counted from 1."""
    polygons: tuple[tuple[NDArray[np.float64], ...], ...]
    """Of each polygon its rings (n, 2), the outer one first."""


@dataclass(frozen=True)
class Outlines:
    """The cells of a file, in file order."""

    cells: tuple[Outline, ...]
    left_out: dict[str, int]
    """Features that are no cells: QuPath's kind or the geometry, else ``others``, and how many."""


def is_geojson(path: Path) -> bool:
    """Whether the name says GeoJSON."""
    name = path.name.lower().removesuffix(".gz")
    return name.endswith((".geojson", ".json"))


def read_geojson(path: Path) -> Outlines:
    """Every polygon or multipolygon of the kind of object that is a cell. Raises UnreadableFileError."""
    try:
        with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as file:
            document = json.load(file)
        features = list(_features(document))
        kinds = Counter(_kind(feature) for feature in features)
        kind = next((kind for kind in CELLS_FIRST if kinds[kind]), "")
        left_out: Counter[str] = Counter()
        cells = []
        for number, feature in enumerate(features, start=1):
            if _kind(feature) != kind:
                left_out[_shown(_kind(feature) or "without kind")] += 1
                continue
            polygons = _polygons(feature["geometry"])
            if polygons:
                cells.append(Outline(number, polygons))
            else:
                left_out[_shown(str(feature["geometry"]["type"]))] += 1
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise UnreadableFileError(
            Problem(
                "E-READ-060",
                "this is no GeoJSON with polygons.",
                "export the cells from QuPath as GeoJSON (File › Export objects as GeoJSON), or give a label image.",
                Place(file=path.name),
            )
        ) from error
    return Outlines(tuple(cells), dict(left_out))


def _features(document: Any) -> Iterator[Any]:
    """Features of a collection, of a bare list, or the only one."""
    if isinstance(document, dict):
        document = document.get("features", [document])
    for item in document:
        if item.get("geometry") is not None:
            yield item


def _kind(feature: Any) -> str:
    """QuPath's objectType, empty where there is none."""
    return str((feature.get("properties") or {}).get("objectType") or "")


def _shown(word: str) -> str:
    """The word of the format; any other text may say anything about anybody."""
    return word if word == "without kind" or word in _OTHER_WORDS or word in CELLS_FIRST else "others"


def _polygons(geometry: Any) -> tuple[tuple[NDArray[np.float64], ...], ...]:
    if geometry["type"] == "Polygon":
        return (_rings(geometry["coordinates"]),)
    if geometry["type"] == "MultiPolygon":
        return tuple(_rings(polygon) for polygon in geometry["coordinates"])
    return ()


def _rings(coordinates: Any) -> tuple[NDArray[np.float64], ...]:
    rings = tuple(np.array([point[:2] for point in ring], np.float64) for ring in coordinates)
    for ring in rings:
        if ring.ndim != 2 or len(ring) < 3 or not all(map(math.isfinite, ring.ravel())):
            raise ValueError("a ring has three points and finite coordinates at least")
    return rings
