"""The standardization stage on small datasets, against numpy on whole pixels and against spora-io's own code."""

from __future__ import annotations

import math
import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from spora_build.errors import InvalidDataError
from spora_build.model.geometry import Size, Window
from spora_build.model.modality import Modality
from spora_build.pixels.standardize import METHODS, Recipe
from spora_build.store.image import open_image
from spora_build.store.image_writer import ImageSpec, write_image
from spora_build.store.layout import Layout
from spora_build.store.mask import write_mask
from spora_build.store.tables import write_table
from spora_build.workflows.dataset.outputs import image_state
from spora_build.workflows.statistics import work as stats
from spora_build.workflows.statistics.jobs import RefineJob
from spora_build.workflows.statistics.tables import write_statistics
from spora_build.workflows.statistics.work import (
    empty_channels,
    fold_measurements,
    measure_one,
    plan_refinement,
    plan_stats,
    refine_one,
)

IMC = Modality("imc")
PANEL = ("CD3E", "CD8A", "DNA1", "EMPTY", "NOWHERE")
CHANNELS = {"a": ("CD3E", "CD8A", "DNA1", "EMPTY"), "b": ("CD3E", "DNA1", "EMPTY"), "c": ("CD8A", "EMPTY")}
SIZES = {"a": (300, 520), "b": (100, 80), "c": (257, 256)}
MPP = 1.0


@dataclass(frozen=True)
class InMemory:
    """A pixel source over an array."""

    pixels: NDArray[Any]

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See PixelSource.read."""
        return np.ascontiguousarray(self.pixels[list(channels)][:, *window.slices])


@dataclass(frozen=True)
class Dataset:
    """A dataset on disk and its pixels in memory."""

    layout: Layout
    images: dict[str, NDArray[Any]]
    masks: dict[str, NDArray[np.bool_]]

    def pixels(self, tissue: str, channel: str) -> NDArray[Any]:
        """Masked pixels of one channel."""
        return self.images[tissue][CHANNELS[name_of(tissue)].index(channel)][self.masks[tissue]]

    def tissues_with(self, channel: str) -> list[str]:
        """Tissues that measured the channel."""
        return [tissue for tissue in self.images if channel in CHANNELS[name_of(tissue)]]


def name_of(tissue: str) -> str:
    """The letter of a tissue id."""
    return tissue.split("_")[1][0]


def build(folder: Path, dtypes: dict[str, str]) -> Dataset:
    """Three tissues with different channels; pixels outside the mask are far brighter."""
    layout = Layout(folder / "smith2023novel")
    rng = np.random.default_rng(7)
    images, masks = {}, {}
    for letter, (height, width) in SIZES.items():
        tissue = f"smith2023novel_{letter * 8}_0000"
        shape = (len(CHANNELS[letter]), height, width)
        pixels = rng.gamma(1.2, 30, shape) * (rng.random(shape) < 0.7)
        if dtypes[letter] == "float32":
            pixels = pixels * 0.013 - 0.02
        mask = rng.random((height, width)) < 0.5
        mask[:, : width // 4] = False
        pixels[:, ~mask] += 200
        pixels[CHANNELS[letter].index("EMPTY")][mask] = 0
        image = pixels.clip(0 if dtypes[letter] != "float32" else None, 255).astype(
            dtypes[letter].removesuffix(" ions")
        )
        if dtypes[letter] == "float32 ions":
            image = np.floor(image)
            if letter == "a":
                image[1, -10:] += np.float32(0.25)  # whole numbers all the way down to here
        spec = ImageSpec(CHANNELS[letter], Size(height, width), image.dtype, MPP, is_rgb=False)
        path = layout.image(IMC, MPP, tissue)
        write_image(path, spec, InMemory(image), channels=range(len(image)), block=Size(256, 256))
        write_mask(layout.tissue_mask(MPP, tissue), mask)
        images[tissue], masks[tissue] = image, mask
    measured = pd.DataFrame(
        [[name in CHANNELS[letter] for name in PANEL] for letter in SIZES],
        index=pd.Index(list(images), name="tissue_id"),
        columns=list(PANEL),
    )
    write_table(layout.channels_per_tissue_table(IMC), pa.Table.from_pandas(measured))
    return Dataset(layout, images, masks)


def run(dataset: Dataset, scratch: Path, recipe: Recipe | None = None) -> list[Path]:
    """The whole stage, workers' results coming in in reverse."""
    jobs = plan_stats(dataset.layout, IMC, MPP, scratch)
    measurements = [pickle.loads(pickle.dumps(measure_one(job))) for job in reversed(jobs)]
    cohort = fold_measurements(PANEL, recipe or Recipe(), measurements)
    for job in reversed(plan_refinement(cohort)):
        refine_one(pickle.loads(pickle.dumps(job)))
    return write_statistics(dataset.layout, IMC, MPP, cohort)


def read(dataset: Dataset, method: str, spec: str) -> dict[str, pd.DataFrame]:
    """All tables of a folder by stem."""
    folder = dataset.layout.standardization(IMC, MPP, method, spec)
    return {path.stem: pd.read_parquet(path) for path in sorted(folder.iterdir())}


def transformed(pixels: NDArray[Any], lower: float, upper: float, method: str) -> NDArray[np.float64]:
    """The recipe, straight from the format's text."""
    clipped = np.clip(pixels.astype(np.float64), lower, upper)
    return np.log1p(clipped) if method == METHODS[1] else (clipped - lower) / (upper - lower + 1e-8)


KINDS = {
    "uint8": dict.fromkeys("abc", "uint8"),
    "uint16": dict.fromkeys("abc", "uint16"),
    "float32": dict.fromkeys("abc", "float32"),
    "float32 ions": dict.fromkeys("abc", "float32 ions"),
    "mixed integers": {"a": "uint8", "b": "uint16", "c": "uint8"},
    "mixed": {"a": "float32", "b": "uint16", "c": "float32"},
}


@pytest.mark.parametrize("recipe", [Recipe(), Recipe(0.95, 0.05)], ids=["upper", "both"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_table_equals_numpys(tmp_path: Path, kind: str, recipe: Recipe) -> None:
    dataset = build(tmp_path, KINDS[kind])
    run(dataset, tmp_path / "scratch", recipe)
    everything = {c: np.concatenate([dataset.pixels(t, c) for t in dataset.tissues_with(c)]) for c in PANEL[:4]}
    for method in METHODS:
        image = read(dataset, method, recipe.image_specs[0])
        whole = read(dataset, method, recipe.global_spec)
        for channel in PANEL[:4]:
            parts: dict[str, list[NDArray[np.float64]]] = {"image": [], "global": []}
            shared = [
                0.0 if q is None else float(np.quantile(everything[channel], q)) for q in (recipe.lower, recipe.upper)
            ]
            assert whole["global_level_upper_quantiles"][channel].item() == shared[1]
            if recipe.lower is not None:
                assert whole["global_level_lower_quantiles"][channel].item() == shared[0]
            for tissue in dataset.tissues_with(channel):
                pixels = dataset.pixels(tissue, channel)
                own = [0.0 if q is None else float(np.quantile(pixels, q)) for q in (recipe.lower, recipe.upper)]
                assert image["image_level_upper_quantiles"].loc[tissue, channel] == own[1]
                if recipe.lower is not None:
                    assert image["image_level_lower_quantiles"].loc[tissue, channel] == own[0]
                for level, tables, bounds in (("image", image, own), ("global", whole, shared)):
                    out = transformed(pixels, *bounds, method)
                    parts[level].append(out)
                    close(tables["image_level_means"].loc[tissue, channel], out.mean())
                    close(tables["image_level_stds"].loc[tissue, channel], out.std())
            for level, tables in (("image", image), ("global", whole)):
                close(tables["global_level_means"][channel].item(), np.concatenate(parts[level]).mean())
                close(tables["global_level_stds"][channel].item(), np.concatenate(parts[level]).std())


def close(found: float, expected: float) -> None:
    """Equal within 1e-9."""
    assert found == pytest.approx(float(expected), rel=1e-9, abs=1e-15)


def test_folders_files_and_types(tmp_path: Path) -> None:
    dataset = build(tmp_path, KINDS["uint16"])
    written = run(dataset, tmp_path / "scratch")
    moments = ["global_level_means", "global_level_stds", "image_level_means", "image_level_stds"]
    for method in METHODS:
        both = [read(dataset, method, spec) for spec in ("uq_0.99", "uq_0.99_image")]
        folders = [dataset.layout.standardization(IMC, MPP, method, spec) for spec in ("uq_0.99", "uq_0.99_image")]
        assert sorted(both[0]) == sorted([*moments, "global_level_upper_quantiles", "image_level_upper_quantiles"])
        assert sorted(read(dataset, method, "uq_0.99_global")) == sorted([*moments, "global_level_upper_quantiles"])
        for path in folders[0].iterdir():
            assert path.read_bytes() == (folders[1] / path.name).read_bytes()
        for name, table in both[0].items():
            assert table.columns.tolist() == list(PANEL)
            assert (table.dtypes == np.float64).all()
            assert table["NOWHERE"].isna().all()
            if name.startswith("image"):
                assert (table.index.name, table.index.tolist()) == ("tissue_id", sorted(dataset.images))
                measured = [[c in CHANNELS[name_of(t)] for c in PANEL] for t in table.index]
                assert table.notna().to_numpy().tolist() == measured
            else:
                assert len(table) == 1
                assert isinstance(table.index, pd.RangeIndex)
    assert all(path.is_file() for path in written)
    assert len(written) == len(set(written)) == 2 * (2 * 6 + 5)


@pytest.mark.parametrize("kind", ["uint16", "mixed"])
def test_the_same_bytes_whatever_the_windows_and_their_order(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = build(tmp_path, KINDS[kind])
    first = [path.read_bytes() for path in run(dataset, tmp_path / "one")]
    assert first == [path.read_bytes() for path in run(dataset, tmp_path / "two")]
    if kind == "uint16":
        monkeypatch.setattr(stats, "_WINDOW_BYTES", 1)
        assert first == [path.read_bytes() for path in run(dataset, tmp_path / "three")]


def kept_run(dataset: Dataset, kept: Path, recipe: Recipe) -> dict[str, bytes]:
    """The stage where image and mask are as they were: every file by its path."""
    jobs = [replace(job, token="same") for job in plan_stats(dataset.layout, IMC, MPP, kept)]
    cohort = fold_measurements(PANEL, recipe, [measure_one(job) for job in jobs])
    for job in plan_refinement(cohort):
        refine_one(job)
    return {str(path): path.read_bytes() for path in write_statistics(dataset.layout, IMC, MPP, cohort)}


@pytest.mark.parametrize("kind", KINDS)
def test_statistics_of_counted_pixels_read_none(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = build(tmp_path, KINDS[kind])
    first = kept_run(dataset, tmp_path / "kept", Recipe())
    other = kept_run(dataset, tmp_path / "other", Recipe(0.95, 0.05))
    reads = []
    monkeypatch.setattr(stats, "open_image", lambda path: reads.append(path) or open_image(path))
    assert kept_run(dataset, tmp_path / "kept", Recipe()) == first
    assert reads == []
    assert kept_run(dataset, tmp_path / "kept", Recipe(0.95, 0.05)) == other
    fractional = {"float32": 3, "float32 ions": 1, "mixed": 2}
    assert len(reads) == fractional.get(kind, 0)  # other bounds lie in other bins


def test_counts_of_other_pixels_are_counted_anew(tmp_path: Path) -> None:
    dataset = build(tmp_path, KINDS["uint16"])
    kept = tmp_path / "kept"
    (job, *_) = plan_stats(dataset.layout, IMC, MPP, kept)
    before = measure_one(replace(job, token="one"))
    write_mask(job.mask_path, np.ones(SIZES["a"], bool))
    assert measure_one(replace(job, token="one")).pixel_count == before.pixel_count
    assert measure_one(replace(job, token="two")).pixel_count == SIZES["a"][0] * SIZES["a"][1]
    assert [path.name.split(".")[1] for path in kept.iterdir()] == ["two"]
    next(kept.iterdir()).write_bytes(b"torn")
    assert measure_one(replace(job, token="two")).pixel_count == SIZES["a"][0] * SIZES["a"][1]


@pytest.mark.parametrize("look", ["first", "second"])
def test_counts_of_an_image_that_is_taken_away_meanwhile_are_not_kept(tmp_path: Path, look: str) -> None:
    """A shard that is gone reads as zeros, and counts of those would be believed when the shard is back."""
    dataset = build(tmp_path, KINDS["float32"])
    kept = tmp_path / "kept"
    (job, *_) = plan_stats(dataset.layout, IMC, MPP, kept)
    job = replace(job, token="one", state=image_state(job.image_path))
    measured = measure_one(job) if look == "second" else None
    next(path for path in (job.image_path / "0" / "c").rglob("*") if path.is_file()).unlink()
    with pytest.raises(InvalidDataError, match="E-STATS-007"):
        if measured is None:
            measure_one(job)
        else:
            refine_one(RefineJob(measured, Recipe(), ((),) * len(job.channel_names)))
    assert not list(kept.glob(f"*.{'counts' if measured is None else 'samples'}.npz"))


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_channels_that_are_always_empty(tmp_path: Path, kind: str) -> None:
    dataset = build(tmp_path, KINDS[kind])
    measurements = [measure_one(job) for job in plan_stats(dataset.layout, IMC, MPP, tmp_path / "scratch")]
    assert empty_channels(PANEL, measurements) == ("EMPTY",)
    assert [m.pixel_count for m in measurements] == [int(mask.sum()) for mask in dataset.masks.values()]
    run(dataset, tmp_path / "scratch")
    tables = read(dataset, METHODS[0], "uq_0.99")
    assert (tables["image_level_upper_quantiles"]["EMPTY"] == 0).all()
    assert tables["global_level_stds"]["EMPTY"].item() == 0


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_a_tissue_without_tissue_pixels_says_nothing(tmp_path: Path, kind: str) -> None:
    dataset = build(tmp_path, KINDS[kind])
    tissue, others = next(iter(dataset.images)), dataset.tissues_with("CD3E")[1:]
    write_mask(dataset.layout.tissue_mask(MPP, tissue), np.zeros(SIZES["a"], bool))
    run(dataset, tmp_path / "scratch")
    tables = read(dataset, METHODS[0], "uq_0.99")
    assert all(tables[name].loc[tissue].isna().all() for name in tables if name.startswith("image"))
    rest = np.concatenate(
        [
            transformed(p, 0, float(np.quantile(p, 0.99)), METHODS[0])
            for p in (dataset.pixels(t, "CD3E") for t in others)
        ]
    )
    close(tables["global_level_means"]["CD3E"].item(), rest.mean())


def test_misfits_are_problems(tmp_path: Path) -> None:
    dataset = build(tmp_path, KINDS["uint8"])
    job = plan_stats(dataset.layout, IMC, MPP, tmp_path / "scratch")[0]
    cases = {
        "E-STATS-005": pickle.loads(pickle.dumps(job)),
        "E-STATS-006": job,
    }
    object.__setattr__(cases["E-STATS-005"], "channel_names", ("CD3E",))
    write_mask(job.mask_path, np.ones((10, 10), bool))
    for code, case in cases.items():
        with pytest.raises(InvalidDataError) as caught:
            measure_one(case)
        assert [p.code for p in caught.value.problems] == [code]
    spec = ImageSpec(job.channel_names, Size(10, 10), np.dtype("uint32"), MPP, is_rgb=False)
    source = InMemory(np.ones((4, 10, 10), np.uint32))
    write_image(job.image_path, spec, source, channels=range(4), block=Size(10, 10))
    with pytest.raises(InvalidDataError) as caught:
        measure_one(job)
    assert caught.value.problems[0].code == "E-STATS-004"
    (dataset.layout.image(IMC, MPP, "smith2023novel_zzzzzzzz_0000")).mkdir()
    with pytest.raises(InvalidDataError) as caught:
        plan_stats(dataset.layout, IMC, MPP, tmp_path)
    assert caught.value.problems[0].code == "E-STATS-003"
    assert "zzzz" not in str(caught.value)


@pytest.mark.spora_io
@pytest.mark.parametrize("kind", ["uint16", "float32"])
def test_tables_equal_spora_ios(tmp_path: Path, kind: str) -> None:
    std = pytest.importorskip("spora_io.utils.helpers.std")
    dataset = build(tmp_path, KINDS[kind])
    run(dataset, tmp_path / "scratch")
    theirs = open_with_spora_io(dataset, "identity")
    tissues = theirs.get_tissue_ids()
    assert sorted(tissues) == sorted(dataset.images)
    for level, calculate in (
        ("image", std.calculate_image_level_quantiles),
        ("global", std.calculate_global_level_quantiles),
    ):
        upper = calculate(theirs, tissues, list(PANEL), upper_quantile=0.99)["upper"]
        for method in METHODS:
            ours = read(dataset, method, f"uq_0.99_{level}")
            means, stds = std.calculate_global_statistics(theirs, tissues, list(PANEL), method, level, upper)
            their_means, their_stds = std.calculate_image_level_statistics(
                theirs, tissues, list(PANEL), method, level, upper
            )
            for channel in PANEL:
                mine = ours[f"{level}_level_upper_quantiles"][channel]
                np.testing.assert_allclose(
                    mine.loc[tissues] if level == "image" else mine.item(),
                    upper[channel].loc[tissues] if level == "image" else upper[channel],
                    rtol=0 if kind == "float32" else 1e-7,  # theirs turns integers into float32 first
                )
                # theirs sums float32 images in float32, and squares before subtracting
                tolerance = {"rtol": 2e-4, "atol": 1e-5}
                np.testing.assert_allclose(ours["global_level_means"][channel].item(), means[channel], **tolerance)
                np.testing.assert_allclose(ours["global_level_stds"][channel].item(), stds[channel], **tolerance)
                np.testing.assert_allclose(
                    ours["image_level_means"][channel].loc[tissues], their_means[channel].loc[tissues], **tolerance
                )
                np.testing.assert_allclose(
                    ours["image_level_stds"][channel].loc[tissues], their_stds[channel].loc[tissues], **tolerance
                )


@pytest.mark.spora_io
@pytest.mark.parametrize("spec", ["uq_0.99", "uq_0.99_image"])
@pytest.mark.parametrize("method", METHODS)
def test_spora_io_standardizes_by_our_tables(tmp_path: Path, method: str, spec: str) -> None:
    pytest.importorskip("spora_io")
    dataset = build(tmp_path, KINDS["uint16"])
    run(dataset, tmp_path / "scratch")
    theirs = open_with_spora_io(dataset, f"{method}/{spec}")
    for tissue in dataset.images:
        pixels = theirs.get_tissue(tissue, kind="complete", preprocess=True).image
        kept = [name for name in CHANNELS[name_of(tissue)] if name != "EMPTY"]
        assert pixels.shape[0] == len(kept)
        masked = np.asarray(pixels)[:, dataset.masks[tissue]]
        assert np.isfinite(masked).all()
        assert math.isclose(float(masked.mean()), 0, abs_tol=0.5)


def open_with_spora_io(dataset: Dataset, standardization: str) -> Any:
    """The dataset in spora-io, with the metadata it asks for."""
    from spora_io.datasets.multiplex import MultiplexImagingDataset

    rows = [
        {
            "tissue_id": tissue,
            "patient_id": tissue.split("_")[1],
            "specimen_id": "0000",
            "modality": "imc",
            "alignment": None,
            "dataset": "smith2023novel",
        }
        for tissue in dataset.images
    ]
    write_table(dataset.layout.tissues_table, pa.Table.from_pandas(pd.DataFrame(rows)))
    channels = pd.DataFrame({"channel_name": PANEL, "qc_pass": True, "is_nuclear_marker": False})
    channels["uniprot_id"] = [f"P0000{at}" for at in range(len(PANEL))]
    write_table(dataset.layout.channels_table(IMC), pa.Table.from_pandas(channels))
    return MultiplexImagingDataset(
        name="smith2023novel",
        path=str(dataset.layout.root),
        modality="imc",
        resolution=MPP,
        tile_size=None,
        load_cell_metadata=False,
        standardization=standardization,
    )
