"""The Python interface: the commands as functions, with the same results and the same errors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr
from PIL import Image

import spora_build
from spora_build import api
from spora_build.errors import InvalidDataError, PartialError, SporaBuildError, UsageError
from spora_build.example.cohort import NAME, write_example
from spora_build.store.layout import Layout
from tests.shell_pages import ROOT
from tools.python_page import EXAMPLE


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("api") / "raw"
    write_example(folder)
    return folder


@pytest.fixture(scope="module")
def dataset(raw: Path) -> spora_build.Dataset:
    """The example, built by the function; read only."""
    return spora_build.convert(raw, out=raw.parent, jobs=1)


def test_importing_the_package_loads_nothing() -> None:
    code = "import json, sys, spora_build; print(json.dumps(sorted(sys.modules)))"
    loaded = set(json.loads(subprocess.check_output([sys.executable, "-c", code], text=True)))
    assert not loaded & {"numpy", "pandas", "zarr", "typer", "rich", "spora_build.api"}


def test_the_package_offers_what_the_module_has() -> None:
    assert set(spora_build.__all__) == set(api.__all__)
    assert all(getattr(spora_build, name) is getattr(api, name) for name in spora_build.__all__)
    assert set(spora_build.__all__) <= set(dir(spora_build))
    with pytest.raises(AttributeError, match="utils"):
        _ = spora_build.utils
    assert all(getattr(api, name).__doc__ for name in api.__all__)


def test_a_dataset_says_what_it_has(dataset: spora_build.Dataset) -> None:
    assert dataset.name == NAME
    assert dataset.modalities == ("codex", "he", "ihc_FHL2")
    assert dataset.resolutions("codex") == (0.5, 1.0)
    assert list(dataset.channels("codex").channel_name) == ["DAPI", "panCK", "CD3E", "MS4A1", "CD68", "Blank"]
    assert set(dataset.tissues.modality) == {"codex", "he", "ihc_FHL2"}
    assert len(dataset.cells) == len(dataset.cells.drop_duplicates(["tissue_id", "cell_id"])) > 1000
    assert dataset.tiles(128).columns.tolist() == ["tissue_id", "tile_id", "row", "col"]


def test_pixels_and_masks_are_those_that_plain_libraries_read(dataset: spora_build.Dataset) -> None:
    tissue = dataset.cells.tissue_id[0]
    image = dataset.image(tissue, "codex", 1.0)
    window = spora_build.Window(17, 40, 100, 30)
    oracle = zarr.open_array(dataset.root / f"codex/1_0mpp/images/{tissue}.ome.zarr/0", mode="r")
    np.testing.assert_array_equal(image.read([2, 0], window), np.asarray(oracle[:, 17:117, 40:70])[[2, 0]])
    segmentations = dataset.root / "segmentations"
    with np.load(segmentations / f"1_0mpp/tissue_masks/{tissue}.npz") as file:
        np.testing.assert_array_equal(dataset.tissue_mask(tissue, 1.0), file["mask"])
    with np.load(segmentations / f"0_5mpp/cell_masks/instances/{tissue}.npz") as file:
        np.testing.assert_array_equal(dataset.cell_mask(tissue, 0.5), file["mask"])


def test_every_command_has_a_function() -> None:
    from tools.cli_page import commands

    shown_only = {"demo", "view"}
    for name, _ in commands():
        if name not in shown_only and not name.startswith("ids "):
            assert {"report": "write_report"}.get(name, name.replace("-", "_")) in spora_build.__all__, name


def test_stages_know_what_is_done(dataset: spora_build.Dataset) -> None:
    for outcomes in (spora_build.mask(dataset, jobs=1), spora_build.stats(dataset.root, jobs=1)):
        assert {str(outcome.status) for outcome in outcomes} == {"skipped"}


def test_tile_takes_the_options_of_the_command(raw: Path, tmp_path: Path) -> None:
    dataset = spora_build.convert(raw, out=tmp_path, jobs=1, only=["ihc.png"])
    outcomes = spora_build.tile(dataset, sizes=[64], mpps=[1.0], stride_px=64, tolerance=0.5, jobs=1)
    assert [str(outcome.status) for outcome in outcomes] == ["done"]
    tiles = dataset.tiles(64)
    assert len(tiles) > 0
    assert set(tiles.row % 64) == {0}


def test_cells_splits_and_papers(raw: Path, tmp_path: Path) -> None:
    dataset = spora_build.convert(raw, out=tmp_path, jobs=1, settings={"mpp": [1.0]})
    before = dataset.cells
    assert {str(outcome.status) for outcome in spora_build.cells(dataset, jobs=1)} <= {"done", "skipped"}
    pd.testing.assert_frame_equal(dataset.cells, before)
    rows = spora_build.split(dataset, test=0.4)
    assert sum(row.train + row.test for row in rows) == dataset.tissues.patient_id.nunique()
    assert set(dataset.tissues.split) == {"train", "test"}
    page = spora_build.write_report(dataset, out=tmp_path / "page.html", jobs=1)
    assert dataset.name in page.read_text(encoding="utf-8")
    spora_build.bench_config(dataset, out=tmp_path / "configs")
    assert list((tmp_path / "configs").rglob("*.yaml"))


def test_segment_finds_cells_where_there_are_none(raw: Path, tmp_path: Path) -> None:
    bare = tmp_path / "raw"
    shutil.copytree(raw, bare)
    (bare / "cells.csv").unlink()
    sheet = pd.read_csv(bare / "tissues.csv", dtype=str).head(1).drop(columns="cell_mask")
    sheet.to_csv(bare / "tissues.csv", index=False)
    dataset = spora_build.convert(bare, out=tmp_path, jobs=1)
    spora_build.segment(dataset, expand_um=1.0, jobs=1)
    found = dataset.cell_mask(dataset.tissues.tissue_id[0], 0.5).max()
    with Image.open(raw / "masks" / "core1.tif") as true:
        assert 0.8 < found / np.asarray(true).max() < 1.2


def test_a_crash_is_shown_and_mended(raw: Path, tmp_path: Path) -> None:
    dataset = spora_build.convert(raw, out=tmp_path, jobs=1, only=["ihc.png"])
    assert spora_build.repair(dataset) == ()
    (dataset.root / "metadata" / ".cells.parquet.0123456789ab.building").write_bytes(b"half")
    assert len(spora_build.repair(dataset)) == 1
    spora_build.repair(dataset.root, yes=True)
    assert spora_build.repair(dataset) == ()


def test_sheets_are_drafted(raw: Path, tmp_path: Path) -> None:
    shutil.copytree(raw / "codex", tmp_path / "codex")
    drafted = spora_build.init(tmp_path)
    assert drafted.images == 4
    assert (tmp_path / "panel_codex.csv").is_file()
    assert spora_build.init(tmp_path / "codex", template="imc").written


def test_buckets_need_an_address(dataset: spora_build.Dataset, tmp_path: Path) -> None:
    with pytest.raises(SporaBuildError):
        spora_build.publish("nonsense", dataset)
    with pytest.raises(SporaBuildError):
        spora_build.fetch(NAME, source="nonsense", out=tmp_path)


def test_checks_and_looks(dataset: spora_build.Dataset, raw: Path) -> None:
    report = spora_build.validate(dataset)
    assert report.exit_code() == 0
    assert report.dataset == NAME
    assert spora_build.privacy_check(dataset).exit_code == 0
    assert [file.file for file in spora_build.inspect(raw / "ihc.png")] == ["ihc.png"]
    assert "Python" in {finding.what for finding in spora_build.doctor()}


def test_a_plan_writes_nothing(raw: Path, tmp_path: Path) -> None:
    plan = spora_build.plan(raw, out=tmp_path, settings={"mpp": [2.0]})
    assert {output.mpp for tissue in plan.tissues for image in tissue.images for output in image.outputs} == {2.0}
    assert not list(tmp_path.iterdir())


def test_datasets_are_found_as_git_finds_repositories(dataset: spora_build.Dataset) -> None:
    assert spora_build.Dataset.find(dataset.root / "codex" / "1_0mpp").root == dataset.root.resolve()
    assert spora_build.Dataset.find(dataset.root.parent).root == dataset.root.resolve()


def test_errors_are_those_of_the_commands(dataset: spora_build.Dataset, raw: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="E-USE-001"):
        spora_build.validate(tmp_path)
    with pytest.raises(UsageError, match="E-SUB-001"):
        spora_build.convert(tmp_path / "nowhere", name=NAME)
    with pytest.raises(UsageError, match="E-MASK-011"):
        spora_build.mask(dataset, method="magic")
    with pytest.raises(InvalidDataError, match="E-TABLE-001"):
        dataset.tiles(100)


def test_failed_tissues_raise_and_leave_the_good_ones(raw: Path, tmp_path: Path) -> None:
    dataset = spora_build.convert(raw, out=tmp_path, jobs=1, only=["ihc.png", "codex/core1.ome.tif"])
    good, bad = sorted(
        Layout(dataset.root).find_tissue_masks(1.0), key=lambda tissue: tissue in set(dataset.cells.tissue_id)
    )
    path = dataset.layout.tissue_mask(1.0, bad)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(PartialError) as failure:
        spora_build.tile(dataset, sizes=[96], mpps=[1.0], jobs=1)
    assert failure.value.exit_code == 3
    assert [problem.code for problem in failure.value.problems] == ["E-MASK-001"]
    assert set(dataset.tiles(96).tissue_id) == {good}


@pytest.mark.slow
def test_the_example_of_the_page_runs(raw: Path, tmp_path: Path) -> None:
    shutil.copytree(raw, tmp_path / "raw")
    (tmp_path / "example.py").write_text(EXAMPLE.split("```python\n")[1].split("```")[0], encoding="utf-8")
    path = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, env=path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "('DAPI', 'panCK'" in done.stdout
    assert "0 errors" in done.stdout
