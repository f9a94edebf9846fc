"""The standardization stage of a cohort: done once, whatever order its tissues are measured in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spora_build.model.report import Status
from spora_build.pixels.histogram import add_values
from spora_build.workflows.build import build
from spora_build.workflows.convert import ConvertRequest, prepare
from spora_build.workflows.statistics import stage, work
from tests.workflows.lab_folder import noise, write_ome


def lab(raw: Path) -> Path:
    for number, side in enumerate((256, 300, 340)):
        write_ome(raw / f"{number}.ome.tif", noise(2, side, side, seed=number), ("DNA", "CD3E"))
    rows = "".join(f"{number}.ome.tif,1,codex\n" for number in range(3))
    (raw / "tissues.csv").write_text(f"image,patient,modality\n{rows}")
    (raw / "panel_codex.csv").write_text("channel,marker\nDNA,DNA\nCD3E,CD3E\n")
    return raw


def test_nothing_is_measured_again_where_later_tissues_are_larger(key_file: Path, tmp_path: Path) -> None:
    raw = lab(tmp_path / "raw")
    request = ConvertRequest(raw=raw, name="smith2023larger", out=tmp_path, key_file=key_file, workers=1)
    first = build(prepare(request), request)
    assert {outcome.status for outcome in first} == {Status.DONE}
    assert {outcome.status for outcome in build(prepare(request), request)} == {Status.SKIPPED}


@pytest.mark.parametrize(("more", "compiled"), [(0, True), (1, False)])
def test_much_is_counted_by_compiled_code(
    key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: int, compiled: bool
) -> None:
    raw = lab(tmp_path / "raw")
    values = 2 * (256**2 + 300**2 + 340**2)
    asked: set[bool] = set()

    def count(*args: Any, compiled: bool) -> None:
        asked.add(compiled)
        add_values(*args, compiled=compiled)

    monkeypatch.setattr(stage, "WORTH_COMPILING", values + more)
    monkeypatch.setattr(work, "add_values", count)
    request = ConvertRequest(
        raw=raw, name="smith2023much", out=tmp_path, key_file=key_file, workers=1, overrides={"mpp": ["native"]}
    )
    assert {outcome.status for outcome in build(prepare(request), request)} == {Status.DONE}
    assert asked == {compiled}
