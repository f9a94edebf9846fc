"""Which pixel sizes of a file's header can be believed: µm per pixel, or a problem that says why not.

None of the ``E-MPP-…`` problems matters where the sheet gives an mpp of its own.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from spora_build.errors import Place, Problem
from spora_build.model.geometry import PixelSize, round_mpp

REMEDY = "set mpp in tissues.csv."
MIN_UM, MAX_UM = 0.01, 20.0
"""Below the first no light microscope resolves anything; above the second no cell has a pixel of its own."""
SQUARE = 1e-3
"""Largest relative difference of x and y: 20 pixels over 20,000, the drift that registration tolerates."""
PRINT_DPI = (72, 90, 96, 100, 120, 144, 150, 200, 240, 300, 350, 400, 600, 720, 1200)
UM_PER_INCH = 25_400.0
_NO_LENGTHS = {"pixel", "pixels", "px", "none", "unknown", "reference frame", "second", "degree"}
"""Units that a message may repeat; any other text of a header may say anything about anybody."""
_PLACEHOLDER = (10_000_000, 1000)
"""Per cm, exactly so: what Bio-Formats wrote into TIFF tags where it knew no size. Read as one, it would be 1.0 µm."""
_UM_PER_UNIT = {
    "μm": 1.0,  # what casefold makes of both micro signs
    "um": 1.0,
    "\\u00b5m": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometers": 1.0,
    "micrometre": 1.0,
    "micrometres": 1.0,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "nanometers": 1e-3,
    "pm": 1e-6,
    "å": 1e-4,
    "angstrom": 1e-4,
    "mm": 1e3,
    "millimeter": 1e3,
    "millimeters": 1e3,
    "cm": 1e4,
    "centimeter": 1e4,
    "centimeters": 1e4,
    "m": 1e6,
    "in": UM_PER_INCH,
    "inch": UM_PER_INCH,
    "inches": UM_PER_INCH,
}


class Measured(NamedTuple):
    """What a header says about the pixel size."""

    pixel_size: PixelSize | None
    problems: tuple[Problem, ...]

    @property
    def is_absent(self) -> bool:
        """Whether the header says nothing at all, so that another one may be asked."""
        return any(problem.code == "E-MPP-001" for problem in self.problems)


def um_per_unit(unit: str) -> float | None:
    """Micrometres in a unit of length as OME-XML or ImageJ write it; None for ``pixel`` and anything unknown."""
    text = unit.strip()
    return None if text == "Mm" else _UM_PER_UNIT.get(text.casefold())


def absent(file: str) -> Measured:
    """No pixel size at all, which is never taken as 1.0."""
    return _refused("E-MPP-001", "the file has no pixel size", file)


def from_um(x_um: float | None, y_um: float | None, origin: str, file: str) -> Measured:
    """Judge a size in µm per pixel along x and y. ``origin`` names the field for people."""
    if x_um is None and y_um is None:
        return absent(file)
    if x_um is None or y_um is None:
        return _refused("E-MPP-005", f"{origin} gives the pixel size along one axis only", file)
    if not all(math.isfinite(value) and value > 0 for value in (x_um, y_um)):
        return _refused("E-MPP-004", f"{origin} gives a pixel size of {x_um:g} × {y_um:g} µm", file)
    if abs(x_um - y_um) > SQUARE * max(x_um, y_um):
        return _refused("E-MPP-003", f"{origin} gives pixels that are not square: {x_um:g} × {y_um:g} µm", file)
    dpi = UM_PER_INCH / x_um
    printed = next((value for value in PRINT_DPI if abs(dpi - value) <= 0.015 * value), None)
    if printed is not None:
        return _refused("E-MPP-002", f"pixel size {x_um:.1f} µm looks like {printed} dpi, not a microscope", file)
    if not MIN_UM <= x_um <= MAX_UM or round_mpp(x_um) <= 0:
        return _refused("E-MPP-007", f"{origin} gives {x_um:g} µm per pixel, which no tissue image has", file)
    return Measured(PixelSize(round_mpp(x_um), origin), ())


def from_units(x: float | None, y: float | None, x_unit: str, y_unit: str, origin: str, file: str) -> Measured:
    """Judge a size in units per pixel along x and y."""
    if x is None and y is None:
        return absent(file)
    scales = [um_per_unit(unit) for value, unit in ((x, x_unit), (y, y_unit)) if value is not None]
    if any(scale is None for scale in scales):
        unit = x_unit if x is not None and um_per_unit(x_unit) is None else y_unit
        said = f" ({unit})" if unit and unit.casefold() in _NO_LENGTHS else ""
        return _refused("E-MPP-006", f"{origin} has a unit that is none of length{said}", file)
    x_um = None if x is None else x * (um_per_unit(x_unit) or math.nan)
    y_um = None if y is None else y * (um_per_unit(y_unit) or math.nan)
    return from_um(x_um, y_um, origin, file)


def from_tiff(page: Any, file: str, unit: str | None = None) -> Measured:
    """Judge XResolution, YResolution and ResolutionUnit of a ``tifffile.TiffPage``: pixels per unit, as fractions.

    ``unit`` names the unit where another header gives it (ImageJ). A resolution without a unit is only the aspect
    ratio of the pixels and counts as absent; a numerator of 0 with a unit does not.
    """
    tags = [page.tags.valueof(code) for code in (282, 283)]
    if tags == [_PLACEHOLDER, _PLACEHOLDER] and page.tags.valueof(296) == 3:
        why = "10,000 pixels per cm are what Bio-Formats writes where it knows none"
        return _refused("E-MPP-001", f"the file has no pixel size: {why}", file)
    x, y = map(_fraction, tags)
    if x is None and y is None:
        return absent(file)
    if unit is None:
        tag = page.tags.valueof(296, 2)
        unit = {2: "inch", 3: "cm", 4: "mm", 5: "µm"}.get(int(tag) if isinstance(tag, int) else 1)
        if unit is None:
            return absent(file)
    sizes = [None if value is None else (1 / value if value else math.inf) for value in (x, y)]
    return from_units(sizes[0], sizes[1], unit, unit, "TIFF XResolution", file)


def first_found(*measured: Measured) -> Measured:
    """The verdict on the first header that says anything, believed or not: what contradicts it is for a person."""
    return next((one for one in measured if not one.is_absent), measured[-1])


def _fraction(value: Any) -> float | None:
    if not (isinstance(value, tuple) and len(value) == 2):
        return None
    numerator, denominator = value
    return numerator / denominator if denominator else math.nan


def _refused(code: str, what: str, file: str) -> Measured:
    return Measured(None, (Problem(code, f"{what}.", REMEDY, Place(file=file)),))
