"""Small drawings as SVG paths and strings, a few bytes each."""

from __future__ import annotations

import math
from collections.abc import Sequence

from spora_build.report.values import TileLayer

FIELD_WIDTH = 1000
"""Units of a field's width in every overlay; its height is in proportion."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def field_height(height_um: float, width_um: float) -> int:
    """Units of a field's height."""
    return max(1, round(FIELD_WIDTH * height_um / width_um)) if width_um > 0 else FIELD_WIDTH


def outline_path(polygons: Sequence[Sequence[tuple[float, float]]], height: int) -> str:
    """Polygons of (row, col) shares as one path in whole units, relative moves."""
    parts = []
    for polygon in polygons:
        points = [(round(col * FIELD_WIDTH), round(row * height)) for row, col in polygon]
        (x, y), path = points[0], []
        for px, py in points[1:]:
            if (px, py) != (x, y):
                path.append(f"{px - x} {py - y}")
                x, y = px, py
        if len(path) > 2:
            parts.append(f"M{points[0][0]} {points[0][1]}l{' '.join(path).replace(' -', '-')}z")
    return "".join(parts)


def tiles_path(layer: TileLayer, height: int) -> str:
    """Squares of tiles as one path in whole units."""
    w, h = max(1, round(layer.width * FIELD_WIDTH)), max(1, round(layer.height * height))
    return "".join(f"M{round(col * FIELD_WIDTH)} {round(row * height)}h{w}v{h}h-{w}z" for row, col in layer.corners)


def bars_text(bars: Sequence[int]) -> str:
    """Heights of a histogram's bars on a logarithmic scale, one character 0–9a–z each; z is the highest."""
    top = math.log1p(max(bars, default=0))
    if top == 0:
        return "0" * len(bars)
    return "".join(_DIGITS[math.ceil(math.log1p(count) / top * 35)] for count in bars)


def log_axis(values: Sequence[float]) -> tuple[float, float] | None:
    """Whole powers of ten about the positive values: (exponent of the left end, of the right); None without any."""
    logs = [math.log10(value) for value in values if math.isfinite(value) and value > 0]
    if not logs:
        return None
    low, high = math.floor(min(logs)), math.ceil(max(logs))
    return float(low), float(max(high, low + 1))


def strip_path(values: Sequence[float], axis: tuple[float, float], width: int, top: int, bottom: int) -> str:
    """A tick for each positive value at its place on a logarithmic axis."""
    low, high = axis
    places = sorted(
        round((math.log10(value) - low) / (high - low) * width)
        for value in values
        if math.isfinite(value) and value > 0
    )
    return "".join(f"M{x} {top}V{bottom}" for x in dict.fromkeys(places))
