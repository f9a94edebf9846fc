"""What a user may say about masks."""

from __future__ import annotations

import pytest

from spora_build.errors import UsageError
from spora_build.pixels.mask_settings import MaskSettings, mask_settings


def test_options_become_settings() -> None:
    assert mask_settings("auto", {}) == MaskSettings()
    assert mask_settings("otsu", {"closing_um": 3, "threshold": 0.5}) == MaskSettings("otsu", 0.5, 3.0)


@pytest.mark.parametrize(
    ("method", "options", "column"),
    [
        ("magic", {}, "method"),
        ("auto", {"closing": 3}, "closing"),
        ("auto", {"closing_um": "wide"}, "closing_um"),
        ("auto", {"closing_um": True}, "closing_um"),
        ("auto", {"closing_um": -1}, "closing_um"),
        ("auto", {"min_speck_um2": float("nan")}, "min_speck_um2"),
        ("auto", {"threshold": 0}, "threshold"),
        ("auto", {"working_mpp": float("inf")}, "working_mpp"),
        ("auto", {"method": "otsu"}, "method"),
    ],
)
def test_what_makes_no_sense_is_refused(method: str, options: dict[str, object], column: str) -> None:
    with pytest.raises(UsageError) as caught:
        mask_settings(method, options)
    (problem,) = caught.value.problems
    assert problem.code == "E-MASK-011"
    assert problem.place.column == column


def test_all_problems_come_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        MaskSettings("magic", threshold=-1, closing_um=-1)
    assert len(caught.value.problems) == 3
