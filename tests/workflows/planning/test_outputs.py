"""Pixel sizes to write and the grid that registered modalities share."""

from __future__ import annotations

import pytest

from spora_build.errors import Place
from spora_build.model.geometry import Size
from spora_build.model.modality import Modality
from spora_build.workflows.planning.outputs import NativeGrid, requested_mpps, shared_outputs
from spora_build.workflows.planning.plan import PlannedOutput

HE, IMC, CODEX = Modality("he"), Modality("imc"), Modality("codex")


@pytest.mark.parametrize(
    ("requests", "native", "expected"),
    [
        (("native", 1.0), 0.5, (0.5, 1.0)),
        (("native", 1.0), 1.0, (1.0,)),
        (("native", 1.0), 2.0, (2.0,)),
        ((1.0,), 0.5, (1.0,)),
        ((2.0, 1.0, "native"), 0.25, (0.25, 1.0, 2.0)),
    ],
)
def test_mpps_of_an_image(requests: tuple[float | str, ...], native: float, expected: tuple[float, ...]) -> None:
    mpps, problems = requested_mpps(requests, native, allow_upsampling=False, explicit=False, place=Place())
    assert mpps == expected
    assert all(problem.code == "N-MPP-021" for problem in problems)


def test_finer_than_the_raw_image_is_an_error_when_asked_for() -> None:
    mpps, problems = requested_mpps((0.25,), 0.5, allow_upsampling=False, explicit=True, place=Place())
    assert mpps == ()
    assert [problem.code for problem in problems] == ["E-MPP-020"]


def test_finer_than_the_raw_image_is_done_when_allowed() -> None:
    assert requested_mpps((0.25,), 0.5, allow_upsampling=True, explicit=True, place=Place())[0] == (0.25,)


def test_one_pixel_of_rounding_is_settled_on_the_finest_grid() -> None:
    grids = [NativeGrid(CODEX, Size(1000, 1001), 0.5), NativeGrid(HE, Size(2001, 2005), 0.25)]
    outputs, problems = shared_outputs(grids, {CODEX: (0.5, 1.0), HE: (0.25, 1.0)}, Place())
    assert problems == ()
    # 2001 · 0.25 = 500.25 → 500 and 2005 · 0.25 = 501.25 → 501 on the H&E; CODEX alone would give 500 × 500
    assert outputs[HE][-1] == PlannedOutput(1.0, Size(500, 501))
    assert outputs[CODEX][-1] == PlannedOutput(1.0, Size(500, 501))
    assert outputs[CODEX][0] == PlannedOutput(0.5, Size(1000, 1001))


def test_larger_differences_are_an_error() -> None:
    grids = [NativeGrid(IMC, Size(400, 400), 1.0), NativeGrid(HE, Size(1600, 1612), 0.25)]
    _, problems = shared_outputs(grids, {IMC: (1.0,), HE: (0.25, 1.0)}, Place(file="tissues.csv", row=2))
    assert [problem.code for problem in problems] == ["E-REG-001"]
    assert problems[0].place.row == 2
