"""No value changes on its way into a dataset's dtype."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from spora_build.errors import UnreadableFileError
from spora_build.model.geometry import Window
from spora_build.readers import open_labels, open_rois
from spora_build.readers._dtype import target_dtype


def write(path: Path, pixels: NDArray[Any]) -> None:
    tifffile.imwrite(path, pixels, photometric="minisblack", metadata=None, tile=(16, 16))


@pytest.mark.parametrize(
    ("stored", "target"),
    [
        ("bool", "uint8"),
        ("uint8", "uint8"),
        ("int8", "uint8"),
        ("uint16", "uint16"),
        ("int16", "uint16"),
        ("int32", "uint16"),
        ("uint32", "uint16"),
        ("int64", "uint16"),
        ("float16", "float32"),
        ("float32", "float32"),
        ("float64", "float32"),
    ],
)
def test_targets(tmp_path: Path, stored: str, target: str) -> None:
    pixels = np.arange(40 * 30).reshape(40, 30) % 120
    pixels = (pixels > 50) if stored == "bool" else pixels.astype(stored)
    write(tmp_path / "a.tif", pixels)
    with open_rois(tmp_path / "a.tif") as (roi,):
        assert roi.dtype == np.dtype(target)
        read = roi.read([0], Window(0, 0, 40, 30))
        assert read.dtype == np.dtype(target)
        np.testing.assert_array_equal(read[0], pixels.astype(target))
    with open_labels(tmp_path / "a.tif") as (roi,):
        assert roi.dtype == pixels.dtype
        np.testing.assert_array_equal(roi.read([0], Window(0, 0, 40, 30))[0], pixels)


def test_no_dtype_for_complex() -> None:
    assert target_dtype(np.dtype("complex64")) is None
    assert target_dtype(np.dtype(">u2")) == np.dtype("uint16")


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        ("int8", -1),
        ("int16", -1),
        ("int32", -1),
        ("int32", 65_536),
        ("uint32", 2**32 - 1),
        ("int64", 2**40),
        ("float64", 0.1),
        ("float64", 1e300),
    ],
)
def test_values_that_do_not_fit_are_refused(tmp_path: Path, stored: str, value: float) -> None:
    pixels = np.ones((40, 30), stored)
    pixels[33, 20] = value
    write(tmp_path / "a.tif", pixels)
    with open_rois(tmp_path / "a.tif") as (roi,):
        np.testing.assert_array_equal(roi.read([0], Window(0, 0, 33, 30)), 1)
        with pytest.raises(UnreadableFileError) as caught:
            roi.read([0], Window(0, 0, 40, 30))
    (problem,) = caught.value.problems
    assert problem.code == "E-READ-010"
    assert stored in problem.what
    with open_labels(tmp_path / "a.tif") as (roi,):
        assert roi.read([0], Window(33, 20, 1, 1)) == value


def test_edges_fit(tmp_path: Path) -> None:
    for stored, values in (("int32", [0, 65_535]), ("float64", [np.nan, np.inf, -0.5, 2.0**100])):
        write(tmp_path / "a.tif", np.array([values], stored))
        with open_rois(tmp_path / "a.tif") as (roi,):
            read = roi.read([0], Window(0, 0, 1, len(values)))
        np.testing.assert_array_equal(read[0, 0].astype(stored), np.array(values, stored))
