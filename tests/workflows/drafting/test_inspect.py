"""What inspect says of a raw folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spora_build.errors import UsageError
from spora_build.workflows.drafting.inspect import inspect


def test_every_image_of_the_example_is_described(example_raw: Path) -> None:
    files = {file.file: file for file in inspect(example_raw)}
    assert set(files) == {
        *(f"codex/core{n}.ome.tif" for n in range(1, 5)),
        *(f"he/core{n}.tif" for n in range(1, 5)),
        "masks",  # planes of one size in one folder: read as one image unless a sheet names the files
        "ihc.png",
    }
    codex = files["codex/core1.ome.tif"].rois[0]
    assert codex.shape == (6, 640, 768)
    assert codex.channel_names == ("DAPI", "PanCK", "CD3", "CD20", "CD68", "Blank")
    assert codex.mpp == 0.5
    assert files["he/core1.tif"].rois[0].is_rgb
    assert files["ihc.png"].rois[0].mpp is None
    assert [problem.place.file for problem in files["ihc.png"].rois[0].problems] == ["ihc.png"]
    assert json.loads(json.dumps([file.to_json() for file in files.values()]))


def test_a_file_that_is_no_image_is_told(tmp_path: Path) -> None:
    (tmp_path / "slide.svs").write_bytes(b"this is no TIFF")
    (file,) = inspect(tmp_path)
    assert file.rois == ()
    assert len(file.problems) == 1


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="E-USE-006"):
        list(inspect(tmp_path / "nowhere"))
