"""How numbers are written."""

from __future__ import annotations

import pytest

from spora_build.report.numbers import area, signed


@pytest.mark.parametrize(
    ("mm2", "text"), [(None, "–"), (0.0, "0 mm²"), (1.234, "1.23 mm²"), (0.01, "0.01 mm²"), (0.00272, "2\u202f720 µm²")]
)
def test_area(mm2: float | None, text: str) -> None:
    assert area(mm2) == text


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(None, 0, "–"), (float("nan"), 1, "–"), (0.4, 0, "0"), (-0.04, 1, "0"), (-15.6, 0, "−16"), (2.04, 1, "+2.0")],
)
def test_signed(value: float | None, decimals: int, text: str) -> None:
    assert signed(value, decimals) == text
