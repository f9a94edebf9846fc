"""Burnt-in text of a raw picture is told by the build; where it looks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import tifffile

from spora_build.model.geometry import Size
from spora_build.workflows.convert import ConvertRequest, prepare, write_images
from spora_build.workflows.images.find_overlay import border_windows
from tests.pixels.test_overlay_text import WHITE, with_text


@pytest.mark.parametrize("is_written_on", [True, False])
def test_a_build_warns_of_text_at_the_border(tmp_path: Path, is_written_on: bool) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    picture = skimage.data.immunohistochemistry()
    if is_written_on:
        picture = with_text(picture[::-1], "MUSTER 1950", 22, WHITE).transpose(1, 2, 0)[::-1, ::-1]  # upside down
    tifffile.imwrite(raw / "a.tif", picture, photometric="rgb", metadata=None)
    (raw / "tissues.csv").write_text("image,patient,modality,mpp\na.tif,P1,he,0.5\n")
    request = ConvertRequest(raw=raw, name="smith2023novel", out=tmp_path / "out", workers=1)
    (outcome,) = write_images(prepare(request), request)
    assert [problem.code for problem in outcome.problems] == ["W-PRIV-030"] * is_written_on


@pytest.mark.parametrize("size", [Size(1, 1), Size(70, 3000), Size(900, 700), Size(8192, 2049)])
def test_the_whole_border_is_looked_at(size: Size) -> None:
    seen = np.zeros((size.height, size.width), bool)
    for window in border_windows(size):
        assert window.row_stop <= size.height and window.col_stop <= size.width
        seen[window.slices] = True
    assert seen[0].all() and seen[-1].all() and seen[:, 0].all() and seen[:, -1].all()


def test_of_a_slide_only_the_corners() -> None:
    windows = list(border_windows(Size(90_000, 120_000)))
    assert sum(window.height * window.width for window in windows) <= 8 * 2048 * 256
    corners = {(w.row == 0, w.col == 0, w.row_stop == 90_000, w.col_stop == 120_000) for w in windows}
    assert all(sum(corner) == 2 for corner in corners) and len(corners) == 4
