"""Which pixel sizes are believed."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest
import tifffile

from spora_build.readers import _pixel_size, find_reader, tiff
from spora_build.readers._pixel_size import Measured, from_um, from_units, um_per_unit
from tests.readers.sample_makers import some_pixels


def code(measured: Measured) -> str | None:
    """The only problem's code, None where the size is believed."""
    assert (measured.pixel_size is None) == (len(measured.problems) == 1)
    return measured.problems[0].code if measured.problems else None


@pytest.mark.parametrize(
    ("unit", "um"),
    [
        ("µm", 1.0),
        ("\N{GREEK SMALL LETTER MU}m", 1.0),
        ("\\u00B5m", 1.0),
        ("um", 1.0),
        ("micron", 1.0),
        ("Microns", 1.0),
        ("nm", 1e-3),
        ("mm", 1e3),
        ("cm", 1e4),
        ("m", 1e6),
        ("Å", 1e-4),
        ("\N{ANGSTROM SIGN}", 1e-4),
        ("inch", 25_400.0),
        (" inches ", 25_400.0),
        ("pixel", None),
        ("Mm", None),
        ("", None),
        ("reference frame", None),
    ],
)
def test_units(unit: str, um: float | None) -> None:
    assert um_per_unit(unit) == um


@pytest.mark.parametrize("mpp", [0.01, 0.1725, 0.5, 1.0, 2.0, 20.0])
def test_believed(mpp: float) -> None:
    measured = from_um(mpp, mpp, "somewhere", "a.tif")
    assert measured.pixel_size is not None
    assert (measured.pixel_size.mpp, measured.pixel_size.origin) == (mpp, "somewhere")
    assert not measured.problems


def test_rounded_to_five_decimals() -> None:
    measured = from_um(0.3774412345, 0.3774412345, "x", "a.tif")
    assert measured.pixel_size is not None
    assert measured.pixel_size.mpp == 0.37744


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (None, None, "E-MPP-001"),
        *[(25_400 / dpi, 25_400 / dpi, "E-MPP-002") for dpi in (72, 96, 150, 300, 600, 1200)],
        (10_000 / 28, 10_000 / 28, "E-MPP-002"),  # 72 dpi as whole pixels per cm
        (10_000 / 118, 10_000 / 118, "E-MPP-002"),  # 300 dpi as whole pixels per cm
        (0.5, 0.501, "E-MPP-003"),
        (0.5, 1.0, "E-MPP-003"),
        (0.0, 0.0, "E-MPP-004"),
        (-0.5, -0.5, "E-MPP-004"),
        (math.nan, math.nan, "E-MPP-004"),
        (math.inf, math.inf, "E-MPP-004"),
        (0.5, math.nan, "E-MPP-004"),
        (0.5, None, "E-MPP-005"),
        (None, 0.5, "E-MPP-005"),
        (0.005, 0.005, "E-MPP-007"),
        (1e-9, 1e-9, "E-MPP-007"),
        (1000.0, 1000.0, "E-MPP-007"),
        (25_400.0, 25_400.0, "E-MPP-007"),
        (0.5, 0.5004, None),
    ],
)
def test_judgement(x: float | None, y: float | None, expected: str | None) -> None:
    assert code(from_um(x, y, "x", "a.tif")) == expected


def test_unknown_units_are_no_units() -> None:
    assert code(from_units(1.0, 1.0, "pixel", "pixel", "x", "a.tif")) == "E-MPP-006"
    assert code(from_units(1.0, 1.0, "µm", "pixel", "x", "a.tif")) == "E-MPP-006"
    assert code(from_units(500.0, 0.5, "nm", "µm", "x", "a.tif")) is None
    assert code(from_units(None, None, "pixel", "pixel", "x", "a.tif")) == "E-MPP-001"


@pytest.mark.parametrize(
    ("x", "y", "unit", "mpp", "expected"),
    [
        ((20_000, 1), (20_000, 1), 3, 0.5, None),
        ((50_800, 1), (50_800, 1), 2, 0.5, None),
        ((4294967295, 213523), (4294967295, 213523), 3, 0.49715, None),
        ((72, 1), (72, 1), 2, None, "E-MPP-002"),
        ((300, 1), (300, 1), 2, None, "E-MPP-002"),
        ((28, 1), (28, 1), 3, None, "E-MPP-002"),
        ((0, 1000), (0, 1000), 3, None, "E-MPP-004"),
        ((1, 1), (1, 1), 1, None, "E-MPP-001"),
        ((2, 1), (2, 1), 1, None, "E-MPP-001"),
        ((1, 1), (1, 1), 2, None, "E-MPP-007"),
        ((20_000, 1), (10_000, 1), 3, None, "E-MPP-003"),
        ((2_004_008, 1), (2_004_008, 1), 3, None, "E-MPP-007"),
    ],
)
def test_tiff_tags(
    tmp_path: Path, x: tuple[int, int], y: tuple[int, int], unit: int, mpp: float | None, expected: str | None
) -> None:
    path = tmp_path / "a.tif"
    pixels = some_pixels((9, 9), "uint8")
    tifffile.imwrite(path, pixels, resolution=(x, y), resolutionunit=unit, photometric="minisblack", metadata=None)
    with tiff.open_rois(path) as (roi,):
        assert (roi.pixel_size.mpp if roi.pixel_size else None) == mpp
        assert [p.code for p in roi.problems] == ([expected] if expected else [])


def test_resolution_with_a_zero_denominator() -> None:
    values = {282: (1, 0), 283: (1, 0), 296: 3}
    page = SimpleNamespace(tags=SimpleNamespace(valueof=lambda tag, default=None: values.get(tag, default)))
    assert code(_pixel_size.from_tiff(page, "a.tif")) == "E-MPP-004"


@pytest.mark.parametrize(
    ("unit", "pixels_per_unit", "mpp", "expected"),
    [
        ("micron", 2.0, 0.5, None),
        ("\\u00B5m", 2.0, 0.5, None),
        ("um", 1.0, 1.0, None),
        ("nm", 0.002, 0.5, None),
        ("mm", 2000.0, 0.5, None),
        ("inch", 72.0, None, "E-MPP-002"),
        ("pixel", 1.0, None, "E-MPP-001"),
        (None, 1.0, None, "E-MPP-001"),
    ],
)
def test_imagej_units(
    tmp_path: Path, unit: str | None, pixels_per_unit: float, mpp: float | None, expected: str | None
) -> None:
    path = tmp_path / "a.tif"
    metadata = {"axes": "CYX", **({"unit": unit} if unit else {})}
    tifffile.imwrite(
        path,
        some_pixels((2, 9, 9), "uint16"),
        imagej=True,
        resolution=(pixels_per_unit, pixels_per_unit),
        resolutionunit="NONE",
        metadata=metadata,
    )
    with tiff.open_rois(path) as (roi,):
        assert roi.format == "ImageJ TIFF"
        assert (roi.pixel_size.mpp if roi.pixel_size else None) == mpp
        assert [p.code for p in roi.problems] == ([expected] if expected else [])


def test_every_refusal_says_what_to_do() -> None:
    for x, y in ((None, None), (0.5, None), (0.0, 0.0), (352.8, 352.8), (0.001, 0.001)):
        (problem,) = from_um(x, y, "x", "a.tif").problems
        assert problem.remedy == _pixel_size.REMEDY
        assert problem.place.file == "a.tif"


def test_files_of_another_kind_are_not_measured(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_text("no image")
    assert find_reader(tmp_path / "a.tif") is None


@pytest.mark.parametrize(
    ("fraction", "unit", "expected"),
    [((10_000_000, 1000), 3, "E-MPP-001"), ((10_000_000, 1000), 2, None), ((10_000, 1), 3, None)],
)
def test_the_resolution_that_bio_formats_writes_where_it_knows_none(
    tmp_path: Path, fraction: tuple[int, int], unit: int, expected: str | None
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, some_pixels((8, 8), "uint8"), metadata=None, resolution=(10_000, 10_000), resolutionunit=unit
    )
    written, wanted = struct.pack("<II", 10_000, 1), struct.pack("<II", *fraction)
    assert path.read_bytes().count(written) == 2
    path.write_bytes(path.read_bytes().replace(written, wanted))
    with tiff.open_rois(path) as (roi,):
        assert [p.code for p in roi.problems] == ([expected] if expected else [])
        assert (roi.pixel_size is None) == (expected is not None)
