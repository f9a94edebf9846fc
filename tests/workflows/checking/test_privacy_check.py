"""The check of a finished dataset: quiet on a clean one, and every planted identifier found."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spora_build.errors import ExitCode, UsageError
from spora_build.example.cohort import NAME
from spora_build.model.modality import Modality
from spora_build.store.layout import Layout
from spora_build.workflows.checking.privacy_check import privacy_check
from tests.workflows.conftest import convert


@pytest.fixture
def dataset(example_dataset: Path, tmp_path: Path) -> Layout:
    """A copy of the example with its private folder."""
    shutil.copytree(Layout(example_dataset).private, tmp_path / f"{NAME}.private")
    return Layout(shutil.copytree(example_dataset, tmp_path / NAME))


def codes(layout: Layout) -> set[str]:
    return {problem.code for problem in privacy_check(layout).problems}


def change_table(path: Path, **columns: object) -> None:
    frame = pd.read_parquet(path)
    frame.assign(**columns).to_parquet(path)


def test_the_example_is_clean_and_the_report_says_what_was_read(dataset: Layout) -> None:
    report = privacy_check(dataset)
    assert (report.problems, report.exit_code) == ((), ExitCode.OK)
    files = [path for path in dataset.root.rglob("*") if path.is_file()]
    assert report.scan.files == len(files)
    # members of .npz files are read twice: as they lie there and decompressed
    assert report.scan.bytes_read >= sum(path.stat().st_size for path in files)
    assert report.scan.tables == sum(path.suffix == ".parquet" for path in files)
    said = json.loads(report.to_json())
    assert (said["exit_code"], said["files"], said["unread"]) == (0, len(files), [])


def in_a_tissue_column(layout: Layout) -> None:
    change_table(layout.tissues_table, batch="taken from P-002")


def in_zarr_attributes(layout: Layout) -> None:
    image = layout.image(Modality("he"), 0.5, layout.find_images(Modality("he"), 0.5)[0])
    said = json.loads((image / "zarr.json").read_text())
    said["attributes"]["source"] = "he/core1 of p-001"
    (image / "zarr.json").write_text(json.dumps(said))


def in_a_stray_name(layout: Layout) -> None:
    (layout.metadata / "P-003.bak").mkdir()


def in_a_mask(layout: Layout) -> None:
    path = next(layout.root.rglob("tissue_masks/*.npz"))
    np.savez_compressed(path, mask=np.load(path)["mask"], note=np.array("codex/core2.ome.tif" * 50))


@pytest.mark.parametrize("plant", [in_a_tissue_column, in_zarr_attributes, in_a_stray_name, in_a_mask])
def test_a_planted_identifier_is_a_certain_leak_and_is_not_echoed(
    dataset: Layout, plant: Callable[[Layout], None]
) -> None:
    plant(dataset)
    report = privacy_check(dataset)
    assert report.exit_code is ExitCode.PRIVACY
    assert "E-PRIV-020" in {problem.code for problem in report.problems}
    shown = report.to_json() + report.summary() + "".join(map(str, report.problems))
    assert not any(raw in shown.lower() for raw in ("p-00", "core1", "core2"))


def test_columns_added_after_the_build_pass_the_gate_again(dataset: Layout) -> None:
    change_table(dataset.tissues_table, date_of_birth="1950-02-03")
    assert "E-PRIV-006" in codes(dataset)


def test_cells_pass_the_gate_too(dataset: Layout) -> None:
    people = ["Anna Keller", "Beat Huber", "Carla Meier"]
    cells = pd.DataFrame({"tissue_id": "x", "cell_id": range(300), "area": 1.5, "annotator_name": people * 100})
    cells.to_parquet(dataset.cells_table)
    found = [problem for problem in privacy_check(dataset).problems if problem.code == "E-PRIV-001"]
    assert [(p.place.file, p.place.column) for p in found] == [("metadata/cells.parquet", "annotator_name")]


def test_what_cannot_be_read_is_no_proof(dataset: Layout) -> None:
    next(dataset.root.rglob("tissue_masks/*.npz")).write_bytes(b"PK\3\4 torn")
    assert codes(dataset) == {"E-PRIV-024"}


def test_without_a_crosswalk_nothing_is_proved(dataset: Layout) -> None:
    shutil.rmtree(dataset.private)
    with pytest.raises(UsageError):
        privacy_check(dataset)


def test_original_ids_are_told_and_searched_everywhere_else(example_raw: Path, key_file: Path, tmp_path: Path) -> None:
    layout = Layout(convert(example_raw, tmp_path, key_file, overrides={"keep_original_ids": True}))
    report = privacy_check(layout)
    assert (report.keeps_original_ids, report.exit_code) == (True, ExitCode.OK)
    assert [problem.code for problem in report.problems] == ["W-PRIV-022"]
    in_a_tissue_column(layout)
    assert "E-PRIV-020" in codes(layout)


def test_decisions_of_the_build_are_remembered(example_raw: Path, key_file: Path, tmp_path: Path) -> None:
    raw = shutil.copytree(example_raw, tmp_path / "raw")
    rows = list(csv.reader((raw / "clinical.csv").read_text().splitlines()))
    more = [["note_of_surgeon", "mrn", "death_date", "diagnosis_date"]]
    more += [[f"seen by the same team as always, part {n}", f"84{n}7731", f"2012-03-0{n}", "2011-01-01"] for n in "123"]
    with (raw / "clinical.csv").open("w", newline="") as file:
        csv.writer(file).writerows([*row, *extra] for row, extra in zip(rows, more, strict=True))
    decisions = (
        '"clinical.note_of_surgeon" = { allow = "A. Steward", on = 2026-01-31 }',
        '"clinical.mrn" = { hash = true }',
        '"clinical.death_date" = { days_since = "diagnosis_date" }',
        '"clinical.diagnosis_date" = "drop"',
    )
    with (raw / "spora.toml").open("a") as file:
        file.write("[privacy.columns]\n" + "\n".join(decisions) + "\n")
    layout = Layout(convert(raw, tmp_path / "out", key_file))
    assert {"note_of_surgeon", "mrn", "death_date"} <= set(pd.read_parquet(layout.tissues_table))
    assert privacy_check(layout).exit_code is ExitCode.OK
    (layout.private / "ledger.jsonl").unlink()  # nobody remembers: the columns are undecided again
    assert {"E-PRIV-001", "E-PRIV-006"} <= codes(layout)
