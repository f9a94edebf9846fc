"""Damage to finished outputs and inputs: found by the next run, which makes again what was hit and nothing else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import spora_build
from tests.faults.tiny_cohort import NAME, digests


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def removed(path: Path) -> None:
    path.unlink()


VICTIMS = (
    "imc/0_5mpp/images/*.ome.zarr/0/c/0/0/0",
    "he/1_0mpp/images/*.ome.zarr/zarr.json",
    "segmentations/1_0mpp/tissue_masks/*.npz",
    "segmentations/0_5mpp/cell_masks/instances/*.npz",
    "segmentations/1_0mpp/cell_masks/cell_type/*.npz",
    "segmentations/1_0mpp/cell_masks/cell_type/label_encoder.parquet",
    "metadata/tissues.parquet",
    "metadata/cells.parquet",
    "imc/channels.parquet",
    "imc/channels_per_tissue.parquet",
    "tiling/1_0mpp/default/128_tile_coordinates.parquet",
    "tiling/1_0mpp/default/224_tile_stats.parquet",
    "imc/1_0mpp/standardization/quantile_clipping/uq_0.99/global_level_means.parquet",
)


@pytest.mark.parametrize("harm", [torn, emptied, zeroed, removed])
def test_everything_that_was_harmed_is_made_again(cohort: Path, built: Path, harm: Callable[[Path], None]) -> None:
    root = built / "out" / NAME
    for pattern in VICTIMS:
        harm(sorted(root.glob(pattern))[0])
    done = spora_build("convert", built / "raw", "--out", built / "out", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert digests(root) == digests(cohort / "reference" / NAME)


@pytest.mark.parametrize(
    "content", [b"", bytes(500), b'["images/imc/0.5/x", "torn', b"\xff\xfe[1]\n5\nnull\n[1, 2]\n{}\n"]
)
def test_a_ledger_that_says_nothing_costs_time_alone(cohort: Path, built: Path, content: bytes) -> None:
    (built / "out" / f"{NAME}.private" / "ledger.jsonl").write_bytes(content)
    done = spora_build("convert", built / "raw", "--out", built / "out", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert digests(built / "out" / NAME) == digests(cohort / "reference" / NAME)


def times(root: Path) -> dict[str, int]:
    """When each file below a folder was written."""
    return {str(path.relative_to(root)): path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}


def test_running_again_touches_no_file(built: Path) -> None:
    before = times(built / "out" / NAME)
    assert spora_build("convert", built / "raw", "--out", built / "out", "--jobs", "1").returncode == 0
    assert times(built / "out" / NAME) == before


def test_a_copied_dataset_is_still_finished(cohort: Path, built: Path) -> None:
    """All times of the outputs are new, and nothing is done again."""
    shutil.rmtree(built / "out")
    shutil.copytree(cohort / "reference", built / "out", copy_function=shutil.copy)
    for path in (built / "out").rglob("*.private"):
        path.chmod(0o700)
    for path in (built / "out" / NAME).rglob("*"):
        os.utime(path)
    before = times(built / "out" / NAME)
    assert spora_build("convert", built / "raw", "--out", built / "out", "--jobs", "1").returncode == 0
    assert times(built / "out" / NAME) == before


@pytest.mark.parametrize("is_whole", [True, False])
def test_an_older_folder_that_is_put_back_is_brought_up_to_date(cohort: Path, tmp_path: Path, is_whole: bool) -> None:
    """All that stands in it is sound and was once made here: the whole of it, or its masks alone."""
    out = tmp_path / "out"
    shutil.copytree(cohort / "start", out, copy_function=shutil.copy2)
    words = ("convert", cohort / "raw", "--out", out, "--jobs", "1")
    assert spora_build(*words).returncode == 0
    older = NAME if is_whole else f"{NAME}/segmentations"
    shutil.rmtree(out / older)
    shutil.copytree(cohort / "start" / older, out / older, copy_function=shutil.copy2)
    done = spora_build(*words)
    assert done.returncode == 0, done.stderr
    assert digests(out / NAME) == digests(cohort / "reference" / NAME)


class Calls:
    """Counts the work that a build does, by stage."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: dict[str, list[str]] = {}
        import spora_build.workflows.build  # which imports every stage
        from spora_build.workflows import cells, convert, masks, statistics, tiles

        assert spora_build.workflows.build

        for module, name, stage in (
            (convert, "write_tissue", "images"),
            (masks.stage, "mask_one", "mask"),
            (cells.stage, "cells_one", "cells"),
            (tiles.stage, "tile_one", "tile"),
            (statistics.stage, "measure_one", "stats"),
        ):
            monkeypatch.setattr(module, name, self._counting(getattr(module, name), stage))

    def _counting(self, work: Callable[..., object], stage: str) -> Callable[..., object]:
        def counted(job: object) -> object:
            tissue = getattr(job, "tissue_id", None) or job.tissue.tissue_id  # type: ignore[attr-defined]
            self.made.setdefault(stage, []).append(str(tissue))
            return work(job)

        return counted


def rebuild(folder: Path, monkeypatch: pytest.MonkeyPatch, **options: object) -> dict[str, list[str]]:
    """Tissues that each stage worked on in one more build."""
    from spora_build.workflows.build import build
    from spora_build.workflows.convert import ConvertRequest, prepare
    from tests.faults.tiny_cohort import KEY

    monkeypatch.setenv("SPORA_BUILD_ID_KEY", KEY)
    calls = Calls(monkeypatch)
    request = ConvertRequest(raw=folder / "raw", out=folder / "out", workers=1, **options)  # type: ignore[arg-type]
    outcomes = build(prepare(request), request)
    assert not [outcome for outcome in outcomes if outcome.status == "failed"]
    return calls.made


def test_nothing_is_done_where_nothing_changed(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rebuild(built, monkeypatch) == {}


def test_one_changed_image_costs_its_tissue_and_the_statistics(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(built / "raw" / "c_imc.tif", (1, 1))
    made = rebuild(built, monkeypatch)
    assert len(made["images"]) == len(made["mask"]) == len(made["cells"]) == 1
    assert made["images"] == made["mask"] == made["cells"]
    assert "tile" not in made  # the mask came out the same
    assert len(made["stats"]) == 2 * 3


def test_a_verified_image_may_be_touched(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rebuild(built, monkeypatch, verify_inputs=True) == {}
    os.utime(built / "raw" / "c_imc.tif", (1, 1))
    assert rebuild(built, monkeypatch) == {}
    content = bytearray((built / "raw" / "c_imc.tif").read_bytes())
    content[-5] ^= 0x10
    (built / "raw" / "c_imc.tif").write_bytes(content)
    assert len(rebuild(built, monkeypatch)["images"]) == 1


def test_verifying_what_was_never_verified_says_so(built: Path) -> None:
    words = ("convert", built / "raw", "--out", built / "out", "--jobs", "1", "--verify-inputs")
    told = [spora_build(*words) for _ in range(2)]
    assert [done.returncode for done in told] == [0, 0]
    assert ["N-BUILD-002" in done.stderr for done in told] == [True, False]


def test_a_changed_cell_table_costs_the_cells_alone(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = built / "raw" / "cells.csv"
    table.write_text(table.read_text().replace("core a,1,T", "core a,1,B"))
    made = rebuild(built, monkeypatch)
    assert {stage: len(tissues) for stage, tissues in made.items()} == {"cells": 1}


def test_other_statistics_cost_the_statistics_alone(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = rebuild(built, monkeypatch, overrides={"statistics.upper_quantile": 0.95})
    assert set(made) == {"stats"}


def test_other_tiles_cost_the_tiles_alone(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = rebuild(built, monkeypatch, overrides={"tiling.stride": 40})
    assert set(made) == {"tile"}


def test_a_torn_shard_costs_its_tissue(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torn(sorted((built / "out" / NAME).glob("imc/1_0mpp/images/*.ome.zarr/0/c/0/0/0"))[0])
    made = rebuild(built, monkeypatch)
    assert len(made["images"]) == 1
    assert set(made) == {"images"}  # the same bytes come back
