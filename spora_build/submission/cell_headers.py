"""Which columns of a table of cells say what, in the words of many programs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from spora_build.submission.columns import fold
from spora_build.submission.image_names import ImageNames

CellsKey = Literal["image", "tissue"]
Unit = Literal["px", "um"]

LABELS = (
    "cellid",
    "object",
    "objectnumber",
    "objectid",
    "cellnumber",
    "cellno",
    "cellindex",
    "cell",
    "labelid",
    "label",
)
"""Folded headers under which programs write the label of a cell, the likeliest first."""
IMAGES = (
    "imageid",
    "imagename",
    "samplename",
    "filename",
    "subjectnames",
    "sampleid",
    "sample",
    "slide",
    "roi",
    "roiid",
    "fov",
    "core",
    "coreid",
    "region",
)
CENTROIDS = (
    ("centroid0", "centroid1"),
    ("centroidrow", "centroidcol"),
    ("ycentroid", "xcentroid"),
    ("centroidy", "centroidx"),
    ("cellyposition", "cellxposition"),
    ("locationcentery", "locationcenterx"),
    ("posy", "posx"),
    ("y", "x"),
)
"""Folded headers of row and column of a cell's centre, without their unit."""
_MICRONS = re.compile(r"[µμ]m|\bum\b|_um$|microns?", re.IGNORECASE)
_UNIT = re.compile(r"\(.*?\)|\[.*?\]|[µμ]m|\bum\b|_um$|microns?|\bpx\b|_px$|pixels?", re.IGNORECASE)
_LABEL_TEXT = re.compile(r"0*[0-9]+(\.0+)?")
_MOST = 0.9


@dataclass(frozen=True)
class Centroids:
    """Headers of a cell's centre."""

    row: str
    col: str
    unit: Unit


def find_centroids(headers: Sequence[str]) -> Centroids | None:
    """The centre of a cell where two headers name it; pixels unless they say micrometres."""
    bases = {fold(_UNIT.sub(" ", header)): header for header in reversed(headers)}
    for row, col in CENTROIDS:
        if row in bases and col in bases:
            unit: Unit = "um" if _MICRONS.search(bases[row]) else "px"
            return Centroids(bases[row], bases[col], unit)
    return None


def find_label(headers: Sequence[str], column: Callable[[str], Any]) -> str | None:
    """The header whose first values are labels; ``column`` gives the first texts of a header (pyarrow)."""
    return _first(
        headers, LABELS, lambda header: _share(column(header), lambda t: bool(_LABEL_TEXT.fullmatch(t))) >= _MOST
    )


def find_image(headers: Sequence[str], column: Callable[[str], Any], images: ImageNames) -> str | None:
    """The header whose first values name images of tissues.csv."""
    return _first(headers, IMAGES, lambda header: _share(column(header), lambda t: images.find(t) is not None) > 0)


def _first(headers: Sequence[str], wanted: Sequence[str], fits: Callable[[str], bool]) -> str | None:
    folded = {fold(header): header for header in reversed(headers)}
    return next((folded[name] for name in wanted if name in folded and fits(folded[name])), None)


def _share(texts: Any, test: Callable[[str], bool]) -> float:
    values = [text for text in texts.slice(0, 1000).to_pylist() if text is not None]
    return sum(map(test, values)) / len(values) if values else 0.0
