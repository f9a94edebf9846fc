"""The whole build on the example cohort, against independent readers of the same files."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skimage.data
import tifffile
import zarr

from spora_build.errors import InvalidDataError, UsageError
from spora_build.example.cohort import MPP, NAME, PATIENTS
from spora_build.model.report import Status
from spora_build.workflows.build import build
from spora_build.workflows.checking.validate import validate
from spora_build.workflows.convert import ConvertRequest, chosen_tissues, prepare, write_images
from spora_build.workflows.running.existing import Existing
from tests.workflows.conftest import convert, tree_bytes


def tissue_of(raw: Path, out: Path, key_file: Path) -> dict[str, str]:
    """Raw image name to tissue id."""
    plan = prepare(ConvertRequest(raw=raw, out=out, key_file=key_file)).plan
    return {image.shown_name: tissue.tissue_id for tissue in plan.tissues for image in tissue.images}


def pixels(root: Path, modality: str, resolution: str, tissue: str) -> np.ndarray:
    array = zarr.open(root / modality / resolution / "images" / f"{tissue}.ome.zarr" / "0", mode="r")
    return np.asarray(array[:])  # type: ignore[index]


def test_every_native_pixel_is_the_source_s(example_raw: Path, example_dataset: Path, key_file: Path) -> None:
    tissues = tissue_of(example_raw, example_dataset.parent, key_file)
    for number in range(1, len(PATIENTS) + 1):
        codex = tifffile.imread(example_raw / f"codex/core{number}.ome.tif")
        assert np.array_equal(pixels(example_dataset, "codex", "0_5mpp", tissues[f"codex/core{number}.ome.tif"]), codex)
        he = tifffile.imread(example_raw / f"he/core{number}.tif").transpose(2, 0, 1)
        assert np.array_equal(pixels(example_dataset, "he", "0_5mpp", tissues[f"he/core{number}.tif"]), he)
    ihc = skimage.data.immunohistochemistry().transpose(2, 0, 1)
    assert np.array_equal(pixels(example_dataset, "ihc/ihc_FHL2", "0_5mpp", tissues["ihc.png"]), ihc)


def test_at_one_micron_every_pixel_is_the_mean_of_four(
    example_raw: Path, example_dataset: Path, key_file: Path
) -> None:
    tissues = tissue_of(example_raw, example_dataset.parent, key_file)
    codex = tifffile.imread(example_raw / "codex/core1.ome.tif").astype(np.int64)
    quads = codex.reshape(len(codex), codex.shape[1] // 2, 2, codex.shape[2] // 2, 2).sum(axis=(2, 4))
    down, half = quads // 4, quads % 4
    rounded = down + ((half > 2) | ((half == 2) & (down % 2 == 1)))  # half to even, in integers
    assert np.array_equal(pixels(example_dataset, "codex", "1_0mpp", tissues["codex/core1.ome.tif"]), rounded)


def test_registered_images_share_a_tissue_and_others_do_not(
    example_raw: Path, example_dataset: Path, key_file: Path
) -> None:
    tissues = tissue_of(example_raw, example_dataset.parent, key_file)
    assert tissues["codex/core1.ome.tif"] == tissues["he/core1.tif"]
    table = pd.read_parquet(example_dataset / "metadata/tissues.parquet")
    assert list(table.columns[:7]) == [
        "tissue_id", "dataset", "patient_id", "specimen_id", "modality", "alignment", "mpp",
    ]  # fmt: skip
    assert len(table) == 9
    assert table.patient_id.nunique() == 3
    of_ihc = table.set_index("tissue_id").loc[tissues["ihc.png"]]
    assert of_ihc.alignment == "no alignment"
    assert of_ihc.specimen_id == "0001"
    assert of_ihc.mpp == MPP
    assert of_ihc.stage == "I"


def test_channels_that_are_always_empty_fail_quality_control(example_dataset: Path) -> None:
    channels = pd.read_parquet(example_dataset / "codex/channels.parquet").set_index("channel_name")
    assert channels.qc_pass.to_dict() == {
        "DAPI": True, "panCK": True, "CD3E": True, "MS4A1": True, "CD68": True, "Blank": False,
    }  # fmt: skip
    assert channels.qc_pass.dtype == bool
    measured = pd.read_parquet(example_dataset / "codex/channels_per_tissue.parquet")
    assert measured.index.name == "tissue_id"
    assert measured.dtypes.eq(bool).all()
    assert list(measured.columns) == list(channels.index)


def test_the_dataset_is_valid(example_dataset: Path) -> None:
    report = validate(example_dataset, deep=True)
    assert [finding for finding in report.findings if finding.severity == "error"] == []


@pytest.mark.slow
def test_the_same_bytes_with_any_number_of_workers(
    example_raw: Path, example_dataset: Path, key_file: Path, tmp_path: Path
) -> None:
    assert tree_bytes(convert(example_raw, tmp_path, key_file, workers=3)) == tree_bytes(example_dataset)


def test_a_second_run_changes_nothing(example_raw: Path, example_dataset: Path, key_file: Path, tmp_path: Path) -> None:
    for part in (NAME, f"{NAME}.private"):
        shutil.copytree(example_dataset.parent / part, tmp_path / part, copy_function=shutil.copy2)
    before = tree_bytes(tmp_path / NAME)
    request = ConvertRequest(raw=example_raw, out=tmp_path, key_file=key_file, workers=1)
    outcomes = build(prepare(request), request)
    assert {outcome.status for outcome in outcomes if outcome.stage == "images"} == {Status.SKIPPED}
    assert tree_bytes(tmp_path / NAME) == before


def small_raw(folder: Path, columns: dict[str, str] | None = None) -> Path:
    """A raw folder with one small image; ``columns`` are added to its sheet or replace what is there."""
    folder.mkdir()
    image = np.arange(3 * 40 * 30, dtype=np.uint16).reshape(3, 40, 30)
    tifffile.imwrite(folder / "a.tif", image, photometric="minisblack", metadata=None)
    row = {"image": "a.tif", "patient": "one", "modality": "imc", "mpp": "1", **(columns or {})}
    with (folder / "tissues.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([row.keys(), row.values()])
    (folder / "panel_imc.csv").write_text("channel,marker\n1,CD3E\n2,CD4\n3,CD8A\n")
    return folder


def problem_codes(raw: Path, out: Path, **options: object) -> list[str]:
    with pytest.raises((InvalidDataError, UsageError)) as caught:
        prepare(ConvertRequest(raw=raw, name="smith2023novel", out=out, **options))  # type: ignore[arg-type]
    return [problem.code for problem in caught.value.problems if problem.code.startswith("E")]


def test_all_problems_are_shown_together(tmp_path: Path) -> None:
    raw = small_raw(tmp_path / "raw", {"mpp": "", "split": "validation"})
    (raw / "panel_imc.csv").write_text("channel,marker\n1,CD3E\n2,CD4\n")
    codes = problem_codes(raw, tmp_path)
    assert "E-MPP-001" in codes
    assert "E-PANEL-103" in codes
    assert any(code.startswith("E-TISSUE") for code in codes)


def test_a_dataset_name_has_a_form(tmp_path: Path) -> None:
    raw = small_raw(tmp_path / "raw")
    with pytest.raises(UsageError, match="E-NAME-001"):
        prepare(ConvertRequest(raw=raw, name="Smith_2023", out=tmp_path))


def test_a_missing_patient_hides_no_other_problem_of_its_row(tmp_path: Path) -> None:
    """As after ``init``: everything but the patients is known, and the clinical table names them already."""
    raw = small_raw(tmp_path / "raw", {"patient": "", "mpp": ""})
    (raw / "clinical.csv").write_text("patient,grade\nP1,2\nP2,3\n")
    (raw / "panel_imc.csv").write_text("channel,marker\n1,CD3E\n2,CD4\n")
    assert set(problem_codes(raw, tmp_path)) == {"E-TISSUE-003", "E-MPP-001", "E-PANEL-103"}


@pytest.mark.parametrize(("name", "code"), [(None, "E-NAME-002"), ("Smith_2023", "E-NAME-001")])
def test_a_missing_name_hides_no_other_problem(tmp_path: Path, name: str | None, code: str) -> None:
    raw = small_raw(tmp_path / "raw", {"mpp": ""})
    (raw / "spora.toml").write_text("colour = 1\n")
    with pytest.raises(InvalidDataError) as caught:
        prepare(ConvertRequest(raw=raw, name=name, out=tmp_path))
    assert {code, "E-MPP-001", "E-SET-002"} <= {problem.code for problem in caught.value.problems}


def test_what_only_names_must_be_there_before_anything_is_made(tmp_path: Path) -> None:
    raw = small_raw(tmp_path / "raw")
    with pytest.raises(UsageError, match="E-USE-005"):
        prepare(ConvertRequest(raw=raw, name="smith2023novel", out=tmp_path, only=("absent.tif",)))
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_only_chooses_by_id_or_image(example_raw: Path, tmp_path: Path, key_file: Path) -> None:
    plan = prepare(ConvertRequest(raw=example_raw, out=tmp_path, key_file=key_file)).plan
    first, second = plan.tissues[0], plan.tissues[-1]
    assert chosen_tissues(plan, ()) == plan.tissues
    assert chosen_tissues(plan, (second.tissue_id, first.images[0].shown_name)) == (first, second)


def test_a_dataset_is_never_written_into_the_raw_folder(tmp_path: Path) -> None:
    raw = small_raw(tmp_path / "raw")
    assert problem_codes(raw, raw) == ["E-USE-003"]


def test_existing_images_can_be_an_error(tmp_path: Path, key_file: Path) -> None:
    raw = small_raw(tmp_path / "raw")
    convert(raw, tmp_path, key_file, name="smith2023novel")
    request = ConvertRequest(
        raw=raw, name="smith2023novel", out=tmp_path, key_file=key_file, existing=Existing.ERROR, workers=1
    )
    with pytest.raises(UsageError, match="E-USE-004"):
        write_images(prepare(request), request)


def test_a_changed_image_is_done_again_and_no_other(tmp_path: Path, key_file: Path) -> None:
    raw = small_raw(tmp_path / "raw")
    root = convert(raw, tmp_path, key_file, name="smith2023novel")
    tifffile.imwrite(raw / "a.tif", np.full((3, 40, 30), 7, np.uint16), photometric="minisblack", metadata=None)
    request = ConvertRequest(raw=raw, name="smith2023novel", out=tmp_path, key_file=key_file, workers=1)
    conversion = prepare(request)
    assert [outcome.status for outcome in write_images(conversion, request)] == [Status.DONE]
    assert (pixels(root, "imc", "1_0mpp", conversion.plan.tissues[0].tissue_id) == 7).all()
    assert [outcome.status for outcome in write_images(conversion, request)] == [Status.SKIPPED]


def test_a_tissue_that_fails_is_absent_and_costs_no_other(tmp_path: Path, key_file: Path) -> None:
    raw = small_raw(tmp_path / "raw")
    broken = np.zeros((3, 40, 30), np.float32)
    broken[1, 5, 5] = np.nan
    tifffile.imwrite(raw / "b.tif", broken, photometric="minisblack", metadata=None)
    with (raw / "tissues.csv").open("a") as file:
        file.write("b.tif,two,imc,1\n")
    request = ConvertRequest(raw=raw, name="smith2023novel", out=tmp_path, key_file=key_file, workers=1)
    conversion = prepare(request)
    outcomes = write_images(conversion, request)
    failed = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
    assert [problem.code for outcome in failed for problem in outcome.problems] == ["E-READ-020"]
    table = pd.read_parquet(conversion.layout.tissues_table)
    assert len(table) == 1
    assert failed[0].tissue_id not in set(table.tissue_id)
    assert not conversion.layout.image(conversion.plan.tissues[0].images[0].modality, 1.0, failed[0].tissue_id).exists()
