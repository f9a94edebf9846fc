"""Paths and numbers of the report, read back."""

from __future__ import annotations

import re

import pytest

from spora_build.report.charts import bars_text, field_height, log_axis, outline_path, strip_path, tiles_path
from spora_build.report.numbers import count, length, number, percent, plural, size
from spora_build.report.values import TileLayer


def test_an_outline_comes_back_from_its_path() -> None:
    square = [(0.1, 0.2), (0.1, 0.8), (0.9, 0.8), (0.9, 0.2), (0.1, 0.2)]
    path = outline_path([square], 500)
    start, moves = re.fullmatch(r"M(\d+ \d+)l(.*)z", path).groups()  # type: ignore[union-attr]
    x, y = map(int, start.split())
    steps = [int(text) for text in re.findall(r"-?\d+", moves)]
    points = [(x, y)]
    for dx, dy in zip(steps[::2], steps[1::2], strict=True):
        points.append((points[-1][0] + dx, points[-1][1] + dy))
    assert points == [(round(1000 * col), round(500 * row)) for row, col in square]


def test_specks_have_no_path() -> None:
    assert outline_path([[(0.1, 0.1), (0.1001, 0.1), (0.1, 0.1001), (0.1, 0.1)]], 1000) == ""


def test_tiles() -> None:
    layer = TileLayer(1.0, "default", 128, 2, None, ((0.0, 0.0), (0.5, 0.25)), 0.2, 0.1)
    assert tiles_path(layer, 500) == "M0 0h100v100h-100zM250 250h100v100h-100z"
    assert field_height(300, 400) == 750


def test_bars() -> None:
    text = bars_text([0, 1, 10, 1000])
    assert (text[0], text[-1], len(text)) == ("0", "z", 4)
    heights = [int(digit, 36) for digit in text]
    assert heights == sorted(heights) and heights[1] > 0  # a single pixel is seen
    assert bars_text([0, 0]) == "00"


def test_strips() -> None:
    assert log_axis([0.0, float("nan")]) is None
    axis = log_axis([3.0, 4000.0])
    assert axis == (0, 4)
    assert strip_path([1.0, 100.0, 1e4, 0.0], (0.0, 4.0), 200, 1, 9) == "M0 1V9M100 1V9M200 1V9"
    assert log_axis([10.0]) == (1, 2)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (9174.4, "9\u202f174"),
        (0.0841, "0.0841"),
        (12.34, "12.3"),
        (None, "–"),
        (float("nan"), "–"),
        (2e9, "2.00e+09"),
    ],
)
def test_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


def test_other_texts() -> None:
    assert [percent(s) for s in (None, 0, 0.0001, 0.031, 0.684, 1)] == [
        "–", "0\u202f%", "< 0.1\u202f%", "3.1\u202f%", "68\u202f%", "100\u202f%",
    ]  # fmt: skip
    assert (count(1234567), count(None), plural(1, "tissue"), plural(2, "tissue")) == (
        "1\u202f234\u202f567", "–", "1 tissue", "2 tissues",
    )  # fmt: skip
    assert (length(384), length(1480), size(17_900_000), size(12)) == ("384 µm", "1.48 mm", "17.9 MB", "12 B")
