"""Datasets that nobody here made: partial downloads, the authors' own habits, hostile files, many tissues."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zarr.codecs import BloscCodec

from spora_build.checks.core import rules
from spora_build.checks.recipes import METHODS
from spora_build.errors import Severity
from spora_build.workflows.checking.validate import validate
from tests.benchmarks.many_tissues import build_many
from tests.checks.build_dataset import GENES, IMC_ONLY, NAME, REGISTERED
from tests.checks.corrupt_images import again
from tests.checks.corruption import Corruption, cell, column, delete, metadata, table

PARTS = [
    "he", "ihc", "imc", "segmentations", "tiling", "imc/1_0mpp/standardization", "he/0_5mpp", "he/1_0mpp",
    "segmentations/1_0mpp/cell_masks/cell_types",
]  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_a_partial_download_has_no_errors(part: str, dataset: Path) -> None:
    delete(part)(dataset)
    assert [f for f in validate(dataset, deep=True).findings if f.severity is Severity.ERROR] == []


def test_metadata_alone_have_no_errors(dataset: Path) -> None:
    delete("he", "ihc", "imc", "segmentations", "tiling")(dataset)
    assert validate(dataset).exit_code() == 0


def test_a_published_dataset_has_checksums(dataset: Path) -> None:
    (dataset / "metadata/checksums.sha256").write_text("")
    (dataset / "README.md").write_text("")
    assert validate(dataset, is_gene_symbol=GENES.__contains__).findings == ()


SPECS = "imc/1_0mpp/standardization"
HABITS = [
    Corruption("V009", "columns with dots", table("metadata/cells.parquet", lambda f: f.assign(**{"X..spots": 1.0}))),
    Corruption("V308", "PD-1", cell("imc/channels.parquet", 1, "channel_name", "PD-1")),
    Corruption("V702", "one name of the spec", delete(*(f"{SPECS}/{m}/uq_0.99" for m in METHODS))),
    Corruption("V113", "no column dataset", table("metadata/tissues.parquet", lambda f: f.drop(columns="dataset"))),
    Corruption("", "null accession", column("imc/channels.parquet", "uniprot_id", lambda s: s.replace("", None))),
    Corruption(
        "",
        "four chunks a shard, blosc lz4",
        again(
            f"he/1_0mpp/images/{REGISTERED}.ome.zarr",
            np.full((3, 260, 270), 9, dtype=np.uint8),
            list("RGB"),
            shard=1024,
            compressors=BloscCodec(cname="lz4", clevel=3, shuffle="bitshuffle"),
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize("habit", HABITS, ids=lambda h: h.what)
def test_the_authors_habits_are_no_errors(habit: Corruption, dataset: Path) -> None:
    habit.apply(dataset)
    if habit.code == "V308":  # the channel is called PD-1 everywhere
        table("metadata/cells.parquet", lambda f: f.drop(columns="mean_CD3E"))(dataset)
        table("imc/channels_per_tissue.parquet", lambda f: f.rename(columns={"CD3E": "PD-1"}))(dataset)
        for path in dataset.glob("imc/*/standardization/*/*/*.parquet"):
            table(str(path.relative_to(dataset)), lambda f: f.rename(columns={"CD3E": "PD-1"}))(dataset)
        for path in dataset.glob("imc/*/images/*/zarr.json"):
            path.write_text(path.read_text().replace('"CD3E"', '"PD-1"'))
    report = validate(dataset, deep=True, is_gene_symbol=GENES.__contains__)
    assert {f.code for f in report.findings} == ({habit.code} if habit.code else set())
    assert report.exit_code() == 0


SPOILED = [
    "metadata/tissues.parquet", "metadata/cells.parquet", "imc/channels.parquet", "imc/channels_per_tissue.parquet",
    "tiling/1_0mpp/default/128_tile_coordinates.parquet", "tiling/1_0mpp/default/128_tile_stats.parquet",
    "imc/1_0mpp/standardization/quantile_clipping/uq_0.99_image/image_level_upper_quantiles.parquet",
    "segmentations/1_0mpp/cell_masks/cell_types/label_encoder.parquet",
]  # fmt: skip
VALUES: list[Any] = [None, "x", 3, -1.5, True, b"x", pd.Timestamp("2020-01-01"), [1]]


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(path=st.sampled_from(SPOILED), pick=st.integers(0, 99), value=st.sampled_from(VALUES), whole=st.booleans())
def test_no_table_stops_the_checks(path: str, pick: int, value: Any, whole: bool, clean: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(clean, tmp_path / f"{time.monotonic_ns()}" / NAME))
    frame = pd.read_parquet(root / path)
    name = frame.columns[pick % frame.shape[1]]
    frame[name] = [value] * len(frame) if whole else [*frame[name].tolist()[1:], value]
    try:
        frame.to_parquet(root / path, index=bool(frame.index.name))
    except (ValueError, TypeError):
        return  # pandas writes no such table
    assert len(validate(root).checked) == len(rules())


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    path=st.sampled_from(["zarr.json", "0/zarr.json"]),
    pick=st.integers(0, 10_000),
    value=st.sampled_from([None, "x", [], {}, -1, 0, 1e300, [None], [{}], True]),
)
def test_no_metadata_stop_the_checks(path: str, pick: int, value: Any, clean: Path, tmp_path: Path) -> None:
    root = tmp_path / f"{time.monotonic_ns()}" / NAME
    shutil.copytree(clean / "metadata", root / "metadata")
    image = f"imc/1_0mpp/images/{IMC_ONLY}.ome.zarr"
    shutil.copytree(clean / image, root / image)
    content = json.loads((root / image / path).read_text())
    places = list(nodes(content))
    parent, key = places[pick % len(places)]
    parent[key] = value
    (root / image / path).write_text(json.dumps(content))
    assert len(validate(root, deep=True).checked) == len(rules())


def nodes(value: Any) -> Any:
    """Every (parent, key) of a JSON document."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from nodes(value[key])


def test_many_tissues_have_no_findings(tmp_path: Path) -> None:
    report = validate(build_many(tmp_path, 30, channels=5, models=2), deep=True, is_gene_symbol=None)
    assert report.findings == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m["chunk_grid"]["configuration"].update(chunk_shape=[0, 512, 512]),
        lambda m: m["chunk_grid"]["configuration"].update(chunk_shape=[4, 0, 0]),
        lambda m: m["codecs"][0]["configuration"].update(chunk_shape=[0, 256, 256]),
        lambda m: m.update(fill_value=-1),
    ],
)
def test_metadata_that_zarr_chokes_on_are_damage(change: Any, dataset: Path) -> None:
    metadata(f"imc/1_0mpp/images/{REGISTERED}.ome.zarr/0/zarr.json", change)(dataset)
    assert "V431" in {finding.code for finding in validate(dataset, deep=True).findings}
