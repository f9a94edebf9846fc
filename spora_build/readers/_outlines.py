"""Files that hold outlines of cells in place of labels."""

from __future__ import annotations

from pathlib import Path

from spora_build.readers._geojson import Outlines, is_geojson, read_geojson
from spora_build.readers._imagej_rois import is_rois, read_rois


def is_outlines(path: Path) -> bool:
    """Whether the name says polygons: GeoJSON, or ROIs of ImageJ."""
    return is_geojson(path) or is_rois(path)


def read_outlines(path: Path) -> Outlines:
    """The cells of such a file. Raises UnreadableFileError, and EnvironmentFaultError where a package is missing."""
    return read_rois(path) if is_rois(path) else read_geojson(path)
