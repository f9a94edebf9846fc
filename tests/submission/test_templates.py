"""What a contributor starts from works as it is."""

from __future__ import annotations

import csv
import importlib.util
import io
import sys
from pathlib import Path

import numpy as np
import pytest

from spora_build.errors import UnreadableFileError
from spora_build.model.geometry import Window
from spora_build.submission import read_submission
from spora_build.submission.panel import KNOWN
from spora_build.submission.templates import TEMPLATE_NAMES, read_template
from spora_build.submission.tissues import OPTIONAL, REQUIRED


def test_the_sheets_together_are_a_good_raw_folder(tmp_path: Path) -> None:
    for name in TEMPLATE_NAMES:
        (tmp_path / name).write_text(read_template(name))
    for row in csv.DictReader(io.StringIO(read_template("tissues.csv"))):
        for column in ("image", "cell_mask"):
            if row[column]:
                (tmp_path / row[column]).parent.mkdir(exist_ok=True)
                (tmp_path / row[column]).touch()
    submission = read_submission(tmp_path)
    assert [p.code for p in submission.problems] == ["W-PANEL-014"]
    assert len(submission.images) == 3
    assert submission.cells is not None
    assert submission.clinical is not None


def test_every_known_column_is_shown() -> None:
    tissues = set(read_template("tissues.csv").splitlines()[0].split(","))
    assert {*REQUIRED, *OPTIONAL} < tissues
    for name in ("panel_imc.csv", "panel_codex.csv"):
        assert read_template(name).splitlines()[0].split(",") == list(KNOWN)


def test_both_panels_are_good(tmp_path: Path) -> None:
    (tmp_path / "a.tif").touch()
    (tmp_path / "b.tif").touch()
    (tmp_path / "tissues.csv").write_text("image,patient,modality\na.tif,1,imc\nb.tif,1,codex\n")
    for name in ("panel_imc.csv", "panel_codex.csv"):
        (tmp_path / name).write_text(read_template(name))
    submission = read_submission(tmp_path)
    assert submission.problems == ()
    assert len(submission.panels) == 2


def test_the_reader_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "npy.py"
    file.write_text(read_template("reader.py"))
    spec = importlib.util.spec_from_file_location("template_reader", file)
    assert spec is not None
    assert spec.loader is not None
    reader = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, reader)
    spec.loader.exec_module(reader)
    pixels = np.arange(3 * 20 * 30, dtype=">u2").reshape(3, 20, 30)
    np.save(tmp_path / "a.npy", pixels)
    assert reader.can_read(tmp_path / "a.npy")
    assert not reader.can_read(file)
    assert not reader.can_read(tmp_path / "none")
    with reader.open_rois(tmp_path / "a.npy") as (roi,):
        found = roi.read([2, 0], Window(3, 4, 10, 11))
    assert found.dtype == np.dtype("uint16")
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, pixels[[2, 0], 3:13, 4:15])
    np.save(tmp_path / "flat.npy", pixels[0])
    with pytest.raises(UnreadableFileError), reader.open_rois(tmp_path / "flat.npy"):
        pass
