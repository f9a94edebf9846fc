"""What only the whole cohort shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

from spora_build.workflows.convert import ConvertRequest, prepare


def codes(raw: Path, out: Path, key_file: Path) -> list[str]:
    plan = prepare(ConvertRequest(raw=raw, name="smith2023novel", out=out, key_file=key_file)).plan
    return [problem.code for problem in plan.problems]


def write_raw(folder: Path, mpps: tuple[float, ...], panel: str) -> Path:
    folder.mkdir()
    for number in range(len(mpps)):
        image = np.ones((2, 30, 30), np.uint16)
        tifffile.imwrite(folder / f"{number}.tif", image, photometric="minisblack", metadata=None)
    rows = [f"{number}.tif,p{number}x,codex,{mpp}" for number, mpp in enumerate(mpps)]
    (folder / "tissues.csv").write_text("\n".join(["image,patient,modality,mpp", *rows]))
    (folder / "panel_codex.csv").write_text(panel)
    return folder


PANEL = "channel,marker\n1,CD3E\n2,CD4\n"


def test_pixel_sizes_that_nearly_agree_are_told(tmp_path: Path, key_file: Path) -> None:
    assert "W-MPP-030" in codes(write_raw(tmp_path / "raw", (0.499, 0.502), PANEL), tmp_path, key_file)


def test_two_magnifications_are_not(tmp_path: Path, key_file: Path) -> None:
    assert "W-MPP-030" not in codes(write_raw(tmp_path / "raw", (0.25, 0.5), PANEL), tmp_path, key_file)
