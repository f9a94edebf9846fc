"""Formats of microscopes that are known and not read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from spora_build.errors import UnreadableFileError
from spora_build.readers import find_reader, open_rois
from spora_build.workflows.drafting.find_acquisitions import find_acquisitions
from spora_build.workflows.drafting.inspect import inspect


def test_the_preview_of_a_vsi_file_is_no_image(tmp_path: Path) -> None:
    """It is a TIFF file with one small picture; the slide lies in ``.ets`` files beside it."""
    path = tmp_path / "Image_01.vsi"
    tifffile.imwrite(path, np.zeros((90, 120, 3), np.uint8), photometric="rgb", metadata=None)
    (tmp_path / "_Image_01_/stack1").mkdir(parents=True)
    (tmp_path / "_Image_01_/stack1/frame_t.ets").write_bytes(b"SIS\0" + bytes(60))
    assert find_reader(path) is None
    with pytest.raises(UnreadableFileError, match=r"E-READ-003 .*bioformats2raw"), open_rois(path):
        pass
    assert [p.code for f in inspect(tmp_path) for p in f.problems if f.file == "Image_01.vsi"] == ["E-READ-003"]
    found, problems = find_acquisitions(tmp_path)
    assert found == []
    assert [(p.code, p.place.file) for p in problems] == [("E-READ-003", "Image_01.vsi")]


@pytest.mark.parametrize("name", ["a.lif", "a.nd2", "a.IM3", "a.oib", "a.ims", "a.zvi", "a.dcm"])
def test_other_microscopes(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(bytes(100))
    with pytest.raises(UnreadableFileError, match="E-READ-003"), open_rois(tmp_path / name):
        pass
