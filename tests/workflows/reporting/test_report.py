"""A report's numbers against numpy and pandas on the dataset itself, which another writer made."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr
from PIL import Image

from spora_build.errors import UsageError
from spora_build.model.modality import Modality
from spora_build.report.page import render
from spora_build.report.values import DatasetLook, ModalityLook, PanelChannel
from spora_build.store.layout import Layout
from spora_build.workflows.reporting.plan import wanted_markers
from spora_build.workflows.reporting.report import look_at_dataset, report_path, write_report
from tests.checks.build_dataset import (
    CHANNELS,
    IHC_ONLY,
    IMC_ONLY,
    LACKING,
    REGISTERED,
    build_dataset,
    save,
    write_image,
)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_dataset(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def look(clean: Path) -> DatasetLook:
    return look_at_dataset(clean)


def modality(look: DatasetLook, tissue: str, name: str) -> ModalityLook:
    return next(one for one in look.looks[tissue].modalities if one.modality == name)


def pixels_of(root: Path, folder: str, tissue: str) -> np.ndarray:
    return np.asarray(zarr.open_group(str(root / folder / "images" / f"{tissue}.ome.zarr"), mode="r")["0"][:])


def mask_of(root: Path, mpp: str, tissue: str) -> np.ndarray:
    return np.load(root / f"segmentations/{mpp}/tissue_masks/{tissue}.npz")["mask"]


@pytest.mark.parametrize(("tissue", "tolerance"), [(REGISTERED, 1e-12), (IMC_ONLY, 0.004)])  # uint16, float32
def test_intensities_are_numpys(clean: Path, look: DatasetLook, tissue: str, tolerance: float) -> None:
    found = modality(look, tissue, "imc")
    inside = pixels_of(clean, "imc/1_0mpp", tissue)[:, mask_of(clean, "1_0mpp", tissue)]
    quantiles = pd.read_parquet(
        clean / "imc/1_0mpp/standardization/quantile_clipping/uq_0.99/image_level_upper_quantiles.parquet"
    )
    assert [c.name for c in found.channels] == [n for n in CHANNELS if tissue != IMC_ONLY or n != LACKING]
    for channel, values in zip(found.channels, inside, strict=True):
        wanted = np.quantile(values, [0.01, 0.5, 0.99, 1.0])
        assert [channel.low, channel.median, channel.high, channel.maximum] == pytest.approx(wanted, rel=tolerance)
        assert channel.zero_share == pytest.approx(np.mean(values == 0))
        assert sum(channel.bars) == values.size
        assert channel.clip == quantiles.loc[tissue, channel.name]
    assert found.counted_share == 1


def test_masks_cells_and_tiles(clean: Path, look: DatasetLook) -> None:
    one = look.looks[REGISTERED]
    assert one.tissue_share == pytest.approx(mask_of(clean, "1_0mpp", REGISTERED).mean())
    assert (one.height_um, one.width_um) == (260, 270)
    labels = np.load(clean / f"segmentations/0_5mpp/cell_masks/instances/{REGISTERED}.npz")["mask"]
    assert one.cell_count == len(np.unique(labels[labels > 0])) == 4
    assert look.looks[IHC_ONLY].cell_count is None
    layers = {(layer.mpp, layer.strategy, layer.size_px): layer for layer in one.tiles}
    assert sorted(layers) == [
        (0.5, "default", 256),
        (1.0, "default", 128),
        (1.0, "default", 224),
        (1.0, "grid_stride224", 224),
    ]
    stats = pd.read_parquet(clean / "tiling/1_0mpp/default/128_tile_stats.parquet")
    layer = layers[1.0, "default", 128]
    assert (layer.count, layer.coverage) == (3, stats.loc[REGISTERED, "coverage_ratio"])
    corners = np.array([(0, 0), (132, 142), (64, 64)]) / (260, 270)
    assert np.allclose(layer.corners, corners, atol=1e-12)
    (outline,) = one.outline
    rows, cols = np.array(outline).T
    assert (rows.min(), rows.max()) == pytest.approx((5 / 260, 255 / 260), abs=2 / 260)
    assert (cols.min(), cols.max()) == pytest.approx((5 / 270, 265 / 270), abs=2 / 270)


def test_brightfield_pictures_look_like_the_image(clean: Path, look: DatasetLook) -> None:
    picture = modality(look, REGISTERED, "he").overview
    assert picture is not None
    shown = np.asarray(Image.open(io.BytesIO(picture.data)).convert("RGB"), float)
    wanted = np.moveaxis(pixels_of(clean, "he/0_5mpp", REGISTERED), 0, -1)
    assert shown.shape == wanted.shape
    assert np.abs(shown - wanted).mean() < 12


def test_a_marker_of_a_kind_has_its_colour(tmp_path: Path) -> None:
    root = build_dataset(tmp_path)
    pixels = np.zeros((4, 260, 270), np.uint16)
    pixels[0, 20:120, 20:120], pixels[1, 140:240, 140:240] = 1000, 1000  # DAPI and CD3E in two corners
    shutil.rmtree(root / "imc/1_0mpp/images" / f"{REGISTERED}.ome.zarr")
    write_image(root / "imc/1_0mpp/images" / f"{REGISTERED}.ome.zarr", pixels, 1.0, CHANNELS)
    found = modality(look_at_dataset(root, markers=["CD3E", "DAPI"]), REGISTERED, "imc")
    assert [entry.channel for entry in found.legend] == ["DAPI", "CD3E"]  # nuclear first, in blue
    assert found.overview is not None
    picture = np.asarray(Image.open(io.BytesIO(found.overview.data)).convert("RGB"), int)
    for entry, (row, col) in zip(found.legend, [(70, 70), (190, 190)], strict=True):
        color = [int(entry.color[at : at + 2], 16) for at in (1, 3, 5)]
        assert np.abs(picture[row, col] - color).max() < 25
    assert picture[190, 70].max() < 25
    assert [c.name for c in found.channels if c.is_empty] == ["CD68", "PTPRC"]


def test_planted_bleed_through_is_found(tmp_path: Path) -> None:
    root = build_dataset(tmp_path)
    rng = np.random.default_rng(5)
    pixels = rng.poisson(30, (4, 260, 270))
    pixels[2] = pixels[1] * 2 + rng.poisson(1, pixels[1].shape)
    shutil.rmtree(root / "imc/1_0mpp/images" / f"{REGISTERED}.ome.zarr")
    write_image(root / "imc/1_0mpp/images" / f"{REGISTERED}.ome.zarr", pixels.astype(np.uint16), 1.0, CHANNELS)
    (pair,) = modality(look_at_dataset(root), REGISTERED, "imc").pairs
    assert (pair.first, pair.second) == ("CD3E", "CD68")
    inside = pixels[:, mask_of(root, "1_0mpp", REGISTERED)]
    assert pair.r == pytest.approx(np.corrcoef(inside[1], inside[2])[0, 1], abs=0.01)


def test_workers_change_nothing(clean: Path, look: DatasetLook) -> None:
    assert look_at_dataset(clean, workers=2) == look


def test_validation_and_cohort(look: DatasetLook) -> None:
    assert look.validation.errors == 0 and look.validation.passed > 50
    assert [(t.tissue_id, t.patient_id, t.split, t.modalities) for t in look.tissues] == [
        (REGISTERED, "abcdefgh", "train", ("he", "imc")),
        (IMC_ONLY, "qrstuvwx", "test", ("imc",)),
        (IHC_ONLY, "qrstuvwx", "test", ("ihc_CD3E",)),
    ]


def test_a_damaged_image_costs_only_itself(tmp_path: Path) -> None:
    root = build_dataset(tmp_path)
    for shard in (root / "imc/1_0mpp/images" / f"{REGISTERED}.ome.zarr/0/c").rglob("*"):
        if shard.is_file():
            shard.write_bytes(shard.read_bytes()[:-40] + bytes(40))
    found = look_at_dataset(root)
    assert [one.modality for one in found.looks[REGISTERED].modalities] == ["he"]
    assert any(text.startswith("imc: the image is damaged") for text in found.looks[REGISTERED].problems)
    assert [one.modality for one in found.looks[IMC_ONLY].modalities] == ["imc"]
    assert "the image is damaged" in render(found)


def test_without_masks_or_with_a_wrong_one(tmp_path: Path) -> None:
    root = build_dataset(tmp_path)
    (root / f"segmentations/1_0mpp/tissue_masks/{IMC_ONLY}.npz").unlink()
    save(root / f"segmentations/1_0mpp/tissue_masks/{IHC_ONLY}.npz", np.ones((9, 9, 9), bool))
    save(root / f"segmentations/1_0mpp/tissue_masks/{REGISTERED}.npz", np.ones((100, 100), bool))
    found = look_at_dataset(root)
    assert found.failures == {}
    assert found.looks[IMC_ONLY].tissue_share is None and "whole field" in found.looks[IMC_ONLY].problems[0]
    assert "no mask of two axes" in found.looks[IHC_ONLY].problems[0]
    assert "another shape" in found.looks[REGISTERED].problems[0]
    whole = pixels_of(root, "imc/1_0mpp", REGISTERED)[0]
    assert modality(found, REGISTERED, "imc").channels[0].median == np.median(whole)


def test_markers_that_no_panel_has(clean: Path) -> None:
    with pytest.raises(UsageError, match=r"E-REPORT-001.*CD3E"):
        look_at_dataset(clean, markers=["DAPI", "CD3"])


def test_too_many_markers() -> None:
    panel = tuple(PanelChannel(name, "", name.startswith("DNA"), True) for name in ("DNA1", "DNA2", "A", "B", "C", "D"))
    panels = {Modality("imc"): panel}
    assert wanted_markers(panels, ["C", "A", "DNA2", "B"]) == {Modality("imc"): ("DNA2", "C", "A", "B")}
    for names in (["A", "B", "C", "D"], ["DNA1", "DNA2", "A", "B", "C"]):
        with pytest.raises(UsageError, match="E-REPORT-001"):
            wanted_markers(panels, names)


def test_the_page_lies_beside_the_dataset(clean: Path, tmp_path: Path, look: DatasetLook) -> None:
    layout = Layout(clean)
    assert report_path(layout, None) == clean.parent / f"{clean.name}.report.html"
    assert report_path(layout, tmp_path) == tmp_path / f"{clean.name}.report.html"
    assert report_path(layout, tmp_path / "x.html") == tmp_path / "x.html"
    for inside in (clean, clean / "he" / "x.html", clean / "x.html"):
        with pytest.raises(UsageError):
            report_path(layout, inside)
    write_report(tmp_path / "x.html", look)
    assert (tmp_path / "x.html").read_text(encoding="utf-8") == render(look)


_WATCHED = """
import sys
from pathlib import Path
opened = []
sys.addaudithook(lambda event, arguments: opened.append((event, str(arguments))) if event in ("open", "os.listdir",
    "os.scandir", "socket.connect", "socket.getaddrinfo", "subprocess.Popen") else None)
from spora_build.workflows.reporting.report import look_at_dataset, write_report
root = Path(sys.argv[1])
write_report(Path(sys.argv[2]), look_at_dataset(root))
assert any(root.name in text for _, text in opened)
sys.exit(1 if [text for event, text in opened if ".private" in text or event.startswith(("socket", "sub"))] else 0)
"""


def test_the_private_folder_is_never_opened(clean: Path, tmp_path: Path) -> None:
    root = tmp_path / clean.name
    shutil.copytree(clean, root)
    private = root.with_name(f"{clean.name}.private")
    private.mkdir()
    (private / "crosswalk.csv").write_text("patient,patient_id\nJane Doe,abcdefgh\n", encoding="utf-8")
    before = sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*"))
    ran = subprocess.run(
        [sys.executable, "-c", _WATCHED, str(root), str(tmp_path / "x.html")], check=False, timeout=120
    )
    assert ran.returncode == 0
    assert "Jane" not in (tmp_path / "x.html").read_text(encoding="utf-8")
    assert sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*")) == before
