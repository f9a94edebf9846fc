"""Configurations for spora-bench, read back as YAML with the shape its own documentation gives."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from spora_build.errors import InvalidDataError
from spora_build.store.layout import Layout
from spora_build.workflows.dataset.bench_config import plan_bench_configs, write_bench_configs
from spora_build.workflows.dataset.split import run_split

yaml = pytest.importorskip("yaml")


@pytest.fixture
def layout(example_dataset: Path, tmp_path: Path) -> Layout:
    """A copy of the example that tests may spoil."""
    shutil.copytree(example_dataset, tmp_path / example_dataset.name)
    return Layout(tmp_path / example_dataset.name)


def codes(layout: Layout) -> set[str]:
    return {problem.code for problem in plan_bench_configs(layout).problems}


def test_files_say_what_the_dataset_is(layout: Layout, tmp_path: Path) -> None:
    run_split(layout, test_share=0.34)
    configs = plan_bench_configs(layout)
    written = write_bench_configs(configs, tmp_path / "configs")
    read = {path.relative_to(tmp_path / "configs").as_posix(): yaml.safe_load(path.read_text()) for path in written}
    name = layout.name
    assert read[f"datasets/{name}.yaml"] == {
        "datasets": {
            name: {
                "name": name,
                "path": str(layout.root.resolve()),
                "modality": "codex",
                "standardization": "quantile_clipping_log1p/uq_0.99_image",
                "resolution": 1.0,
                "filter_list": ["gaussian_blur"],
                "use_mean_std": True,
                "disable_quantile_mask": False,
            }
        }
    }
    assert (layout.root / "codex/1_0mpp/standardization/quantile_clipping_log1p/uq_0.99_image").is_dir()
    task = {"label_col": "cell_type", "excluded_classes": []}
    assert read[f"benchmarks/cell_level/{name}.yaml"] == {
        "datasets": {name: {"benchmarks": {"cell_level": {"cell_type": task}}}}
    }
    annotation = {**task, "class_order": sorted(pd.read_parquet(layout.cells_table)["cell_type"].unique())}
    assert read[f"benchmarks/cell_annotation/{name}.yaml"] == {
        "datasets": {name: {"benchmarks": {"cell_annotation": {"cell_type": annotation}}}}
    }
    assert write_bench_configs(configs, tmp_path / "configs") == []


def test_class_counts_are_those_of_the_table(layout: Layout) -> None:
    run_split(layout, test_share=0.34)
    cells = pd.read_parquet(layout.cells_table)
    tissues = pd.read_parquet(layout.tissues_table).drop_duplicates("tissue_id").set_index("tissue_id")
    counted = cells.groupby(["cell_type", cells["tissue_id"].map(tissues["split"])]).size()
    text = plan_bench_configs(layout).files[f"benchmarks/cell_level/{layout.name}.yaml"]
    for kind in cells["cell_type"].unique():
        assert f"# {kind}: {counted[kind, 'train']} train, {counted[kind, 'test']} test\n" in text


def test_what_it_would_trip_over(layout: Layout) -> None:
    assert codes(layout) == {"W-BENCH-005"}
    run_split(layout, test_share=0.34)
    assert codes(layout) == {"W-BENCH-008", "W-BENCH-010"}  # three patients with three stages
    tissues = pd.read_parquet(layout.tissues_table)
    leaky = tissues.assign(split=["train", "test"] * (len(tissues) // 2) + ["train"] * (len(tissues) % 2))
    leaky.to_parquet(layout.tissues_table)
    assert "E-BENCH-007" in codes(layout)
    layout.cell_mask(1.0, tissues["tissue_id"].iloc[0]).unlink()
    layout.tile_coordinates(1.0, "default", 128).unlink()
    shutil.rmtree(layout.root / "codex/1_0mpp/standardization")
    assert {"W-BENCH-009", "W-BENCH-003", "W-BENCH-002"} <= codes(layout)


def test_names_that_yaml_would_misread(layout: Layout) -> None:
    cells = pd.read_parquet(layout.cells_table)
    kinds = ["no", "1e3", "a: b # c", 'say "x"\n- y']
    cells["yes"] = [kinds[cell % 4] for cell in cells["cell_id"]]
    cells.to_parquet(layout.cells_table)
    tissues = pd.read_parquet(layout.tissues_table)
    first = tissues["patient_id"].iloc[0]
    tissues["split"] = ["train" if patient == first else "test" for patient in tissues["patient_id"]]
    tissues.to_parquet(layout.tissues_table)
    cells = cells[~((cells["yes"] == kinds[3]) & (cells["tissue_id"].str.contains(first)))]
    cells.to_parquet(layout.cells_table)
    text = plan_bench_configs(layout).files[f"benchmarks/cell_level/{layout.name}.yaml"]
    tasks = yaml.safe_load(text)["datasets"][layout.name]["benchmarks"]["cell_level"]
    assert tasks["yes"] == {"label_col": "yes", "excluded_classes": [kinds[3]]}


def many_tissues(layout: Layout, grades: list[str | None], splits: list[str]) -> str:
    """A cohort of copies of the first row of tissues.parquet; the text of its tissue-level benchmark."""
    first = pd.read_parquet(layout.tissues_table).query("modality == 'codex'").iloc[:1]
    rows = pd.concat([first] * len(grades), ignore_index=True)
    patients = [f"{'abcdefghijklmnop'[at]}aaaaaaa" for at in range(len(rows))]
    tissues = [f"{layout.name}_{patient}_0000" for patient in patients]
    rows = rows.assign(patient_id=patients, tissue_id=tissues, grade=pd.Series(grades, dtype="string"), split=splits)
    rows.drop(columns=["stage", "vital_status"]).to_parquet(layout.tissues_table)
    return plan_bench_configs(layout).files.get(f"benchmarks/tissue_level/{layout.name}.yaml", "")


def spora_bench_targets(layout: Layout, task: dict[str, list[str]]) -> dict[str, str]:
    """The labels that spora-bench learns: text first, then without the excluded classes and None."""
    table = pd.read_parquet(layout.tissues_table)
    found = {}
    for tissue, value in zip(table["tissue_id"], table[task["label_col"]], strict=True):
        text = str(value)  # as pandas 2 does it; pandas 3 leaves missing values alone, which N-BENCH-012 tells
        if text not in task["excluded_classes"] and text != "None":
            found[tissue] = text
    return found


def test_missing_labels_of_tissues_are_no_class(layout: Layout) -> None:
    grades = ["G1"] * 7 + ["G2"] * 7 + ["G3", None]
    text = many_tissues(layout, grades, ["train", "train", "train", "train", "test"] * 3 + ["train"])
    task = yaml.safe_load(text)["datasets"][layout.name]["benchmarks"]["tissue_level"]["grade"]
    assert task["excluded_classes"] == ["G3", "nan", "<NA>", "None"]
    assert sorted(spora_bench_targets(layout, task).values()) == ["G1"] * 7 + ["G2"] * 7
    assert {"W-BENCH-008", "N-BENCH-012"} <= codes(layout)
    assert "W-BENCH-011" not in codes(layout)


def test_too_few_tissues_to_keep_one_of_each_class_for_validation(layout: Layout) -> None:
    many_tissues(layout, ["G1", "G2", "G3"] * 3, ["train"] * 6 + ["test"] * 3)
    assert "W-BENCH-011" in codes(layout)


def test_virtual_staining_runs_where_both_modalities_are(layout: Layout) -> None:
    name = f"datasets/he_staining/{layout.name}.yaml"
    read = yaml.safe_load(plan_bench_configs(layout).files[name])["datasets"][layout.name]
    assert (layout.root / "he" / f"{str(read['resolution']).replace('.', '_')}mpp").is_dir()
    assert (read["modality"], read["standardization"]) == ("codex", "identity")
    shutil.rmtree(layout.root / "he")
    assert name not in plan_bench_configs(layout).files


def test_a_dataset_without_multiplex_images_has_nothing_to_run(layout: Layout) -> None:
    shutil.rmtree(layout.root / "codex")
    with pytest.raises(InvalidDataError, match="E-BENCH-001"):
        plan_bench_configs(layout)
