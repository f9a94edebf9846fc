"""ROIs of ImageJ, written by roifile, as outlines of cells."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from skimage.draw import disk
from skimage.measure import find_contours

from spora_build.errors import EnvironmentFaultError, UnreadableFileError
from spora_build.model.geometry import Size
from spora_build.pixels.rasterise import LabelledShape, label_bands
from spora_build.readers import is_outlines, read_outlines

roifile = pytest.importorskip("roifile")


def drawn(path: Path, size: Size) -> np.ndarray:
    shapes = [LabelledShape(cell.number, cell.polygons) for cell in read_outlines(path).cells]
    return np.concatenate(list(label_bands(shapes, size, 7)))


def test_rois_of_the_manager(tmp_path: Path) -> None:
    """Corners of pixels are whole numbers: a rectangle covers just the pixels between them."""
    polygon = roifile.ImagejRoi.frompoints(np.array([[1, 2], [6, 2], [6, 5], [1, 5]]))
    rectangle = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.RECT, left=10, right=14, top=0, bottom=3)
    line = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.LINE, x1=0, x2=5, y1=0, y2=5)
    subpixel = roifile.ImagejRoi.frompoints(np.array([[2.4, 10.4], [8.6, 10.4], [8.6, 13.6], [2.4, 13.6]]))
    path = tmp_path / "RoiSet.zip"
    roifile.roiwrite(path, [polygon, line, rectangle, subpixel], name=["a", "b", "c", "d"])
    assert is_outlines(path)
    assert read_outlines(path).left_out == {"line": 1}
    true = np.zeros((20, 20), np.uint32)
    true[2:5, 1:6], true[0:3, 10:14], true[10:14, 2:9] = 1, 3, 4
    assert np.array_equal(drawn(path, Size(20, 20)), true)


def test_a_traced_cell(tmp_path: Path) -> None:
    cell = np.zeros((60, 60), bool)
    cell[disk((30, 25), 12)] = True
    contour = find_contours(cell, 0.5)[0][:, ::-1] + 0.5  # from pixel centres to the image's corner
    path = tmp_path / "cell.roi"
    roifile.ImagejRoi.frompoints(contour).tofile(path)
    assert np.array_equal(drawn(path, Size(60, 60)) == 1, cell)


def test_what_is_no_roi(tmp_path: Path) -> None:
    for name, content in (("a.roi", b"Ioutanything"), ("b.roi", b""), ("c.zip", b"PK\x03\x04 no"), ("d.roi", b"text")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnreadableFileError, match="E-READ-061"):
            read_outlines(tmp_path / name)


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "roifile", None)
    with pytest.raises(EnvironmentFaultError, match=r"spora-build\[imagej\]"):
        read_outlines(tmp_path / "a.roi")
