"""Configurations for spora-bench: one per modality, and a starting benchmark for each column of labels."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.model.modality import Modality
from spora_build.store.image import open_image
from spora_build.store.layout import Layout
from spora_build.store.tables import read_table

MPP = 1.0
TILE_PX = 128
SMALLEST_PX = 256
MAX_CLASSES = 64
MAX_TISSUE_CLASSES = 20
PREFERRED = ("quantile_clipping_log1p/uq_0.99_image", "quantile_clipping/uq_0.99_image")
_KEYS = {"tissue_id", "patient_id", "specimen_id", "biopsy_id", "dataset", "modality", "alignment", "split"}
_YAML_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_KEYS |= {"original_patient_id", "cell_id", "original_cell_id"}


@dataclass(frozen=True)
class LabelColumn:
    """A column of labels and how often each class is in each split."""

    name: str
    counts: Mapping[str, Mapping[str, int]]
    """Class to split (``train``, ``test``, or ``all`` where there is none) to rows."""

    @property
    def excluded(self) -> tuple[str, ...]:
        """Classes that cannot be learnt and tested: missing from train or from test."""
        return tuple(name for name, of in self.counts.items() if "all" not in of and not {"train", "test"} <= of.keys())


@dataclass(frozen=True)
class BenchConfigs:
    """Files to write, by name below the output folder, and what spora-bench would trip over."""

    files: Mapping[str, str]
    problems: tuple[Problem, ...]


def plan_bench_configs(layout: Layout) -> BenchConfigs:
    """Write nothing yet. Raises InvalidDataError where the dataset has no multiplex images at 1.0 mpp."""
    name = layout.name
    modalities = [m for m in layout.find_modalities() if m.is_multiplex and MPP in layout.find_resolutions(m)]
    if not modalities:
        raise InvalidDataError(
            Problem(
                "E-BENCH-001",
                "spora-bench runs on multiplex images at 1.0 µm per pixel, of which there are none.",
                "convert with --mpp native --mpp 1.0 (and allow_upsampling for coarser images).",
                Place(file=name),
            )
        )
    tissues = read_table(layout.tissues_table)
    problems: list[Problem] = []
    files = {}
    for modality in modalities:
        own = name if len(modalities) == 1 else f"{name}_{modality}"
        files[f"datasets/{own}.yaml"] = _dataset_yaml(layout, modality, problems)
        problems += _small_images(layout, modality)
    problems += _splits(tissues)
    cells = list(_cell_columns(layout, tissues))
    if cells:
        files[f"benchmarks/cell_level/{name}.yaml"] = _benchmark_yaml(name, "cell_level", cells)
        problems += _missing(cells, "metadata/cells.parquet")
        problems += _masks(layout, tissues, modalities)
    pathology = list(_tissue_columns(tissues, modalities))
    if pathology:
        files[f"benchmarks/tissue_level/{name}.yaml"] = _benchmark_yaml(name, "tissue_level", pathology)
        problems += _missing(pathology, "metadata/tissues.parquet")
    return BenchConfigs(files, tuple(problems))


def write_bench_configs(configs: BenchConfigs, out: Path) -> list[Path]:
    """Write the files below ``out``; one that is there already stays, for people edit them. Returns those written."""
    written = []
    for name, text in configs.files.items():
        path = out / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def _dataset_yaml(layout: Layout, modality: Modality, problems: list[Problem]) -> str:
    folder = layout.resolution(modality, MPP) / "standardization"
    there = sorted(path.parent.relative_to(folder).as_posix() for path in folder.glob("*/*/global_level_stds.parquet"))
    spec = next((name for name in PREFERRED if name in there), there[0] if there else None)
    if spec is None:
        problems.append(
            Problem(
                "W-BENCH-002",
                f"{modality} has no standardization at 1.0 µm; the configuration names identity.",
                "run `spora-build stats`, then write the configuration again.",
                Place(file=modality.folder),
            )
        )
    if not layout.tile_coordinates(MPP, "default", TILE_PX).is_file():
        problems.append(
            Problem(
                "W-BENCH-003",
                f"there are no tiles of {TILE_PX} px at 1.0 µm, on which spora-bench runs.",
                f"run `spora-build tile --size {TILE_PX} --mpp 1.0`.",
                Place(file="tiling/1_0mpp/default"),
            )
        )
    values = {
        "name": layout.name,
        "path": str(layout.root.resolve()),
        "modality": modality.name,
        "standardization": spec or "identity",
        "resolution": MPP,
        "filter_list": ["gaussian_blur"],
        "use_mean_std": spec is not None,
        "disable_quantile_mask": False,
    }
    lines = "".join(f"    {key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
    return f"datasets:\n  {layout.name}:\n{lines}"


def _benchmark_yaml(name: str, level: str, columns: Sequence[LabelColumn]) -> str:
    """JSON scalars are YAML scalars, whatever a class is called."""
    lines = ["datasets:", f"  {name}:", "    benchmarks:", f"      {level}:"]
    for column in columns:
        lines.append(f"        {_key(column.name)}:")
        for of_class, counts in column.counts.items():
            told = ", ".join(f"{count} {split}" for split, count in sorted(counts.items(), reverse=True))
            lines.append(f"          # {_one_line(of_class)}: {told}")
        lines.append(f"          label_col: {json.dumps(column.name)}")
        lines.append(f"          excluded_classes: {json.dumps(list(column.excluded), ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    """A key that YAML takes for text."""
    return json.dumps(name) if name in _YAML_WORDS or not name[0].isalpha() else name


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _small_images(layout: Layout, modality: Modality) -> list[Problem]:
    small = []
    for tissue in layout.find_images(modality, MPP):
        size = open_image(layout.image(modality, MPP, tissue)).size
        if min(size.height, size.width) < SMALLEST_PX:
            small.append(tissue)
    if not small:
        return []
    total = len(layout.find_images(modality, MPP))
    return [
        Problem(
            "W-BENCH-004",
            f"{len(small)} of {total} {modality} images have a side below {SMALLEST_PX} px at 1.0 µm; spora-bench skips"
            f" them ({', '.join(small[:3])}{'…' if len(small) > 3 else ''}).",
            "nothing to do, or give larger fields.",
            Place(file=modality.folder),
        )
    ]


def _splits(tissues: pd.DataFrame) -> list[Problem]:
    place = Place(file="metadata/tissues.parquet", column="split")
    if "split" not in tissues or tissues["split"].isna().all():
        what = "there is no split: spora-bench trains and tests on patients that a split tells apart."
        return [Problem("W-BENCH-005", what, "run `spora-build split`.", place)]
    problems = []
    if tissues["split"].isna().any():
        count = int(tissues["split"].isna().sum())
        problems.append(Problem("W-BENCH-006", f"{count} rows have no split.", "run `spora-build split` again.", place))
    if (tissues.groupby("patient_id")["split"].nunique() > 1).any():
        what = "a patient is in train and in test: what is tested was seen in training."
        problems.append(Problem("E-BENCH-007", what, "give all tissues of a patient one split.", place))
    return problems


def _cell_columns(layout: Layout, tissues: pd.DataFrame) -> Iterator[LabelColumn]:
    if not layout.cells_table.is_file():
        return
    split_of = _split_of(tissues)
    for item in pq.read_schema(layout.cells_table):
        if item.name in _KEYS or not _is_text(item.type):
            continue
        column = _count(_chunks(layout, item.name), item.name, split_of, MAX_CLASSES)
        if column is not None:
            yield column


def _chunks(layout: Layout, name: str) -> Iterator[pd.DataFrame]:
    with pq.ParquetFile(layout.cells_table) as file:
        for batch in file.iter_batches(batch_size=1 << 18, columns=["tissue_id", name]):
            yield batch.to_pandas()


def _tissue_columns(tissues: pd.DataFrame, modalities: Sequence[Modality]) -> Iterator[LabelColumn]:
    rows = tissues[tissues["modality"].isin([modality.name for modality in modalities])].drop_duplicates("tissue_id")
    split_of = _split_of(tissues)
    for name in tissues.columns:
        if name not in _KEYS and pd.api.types.is_string_dtype(tissues[name]):
            column = _count(iter([rows[["tissue_id", name]]]), name, split_of, MAX_TISSUE_CLASSES)
            if column is not None:
                yield column


def _split_of(tissues: pd.DataFrame) -> dict[str, str]:
    if "split" not in tissues or tissues["split"].isna().all():
        return dict.fromkeys(tissues["tissue_id"], "all")
    known = tissues.dropna(subset=["split"])
    return dict(zip(known["tissue_id"], known["split"], strict=True))


def _count(chunks: Iterator[pd.DataFrame], name: str, split_of: Mapping[str, str], most: int) -> LabelColumn | None:
    """Classes of a column in the order of their names; None where there are not 2 to ``most`` of them."""
    counts: dict[str, dict[str, int]] = {}
    for chunk in chunks:
        splits = chunk["tissue_id"].map(split_of)
        known = chunk.assign(split=splits).dropna(subset=[name, "split"])
        for of_class, rows in known.groupby(known[name].astype(object)):
            of = counts.setdefault(str(of_class), {})
            for split, count in rows["split"].value_counts().items():
                of[str(split)] = of.get(str(split), 0) + int(count)
        if len(counts) > most:
            return None
    return LabelColumn(name, dict(sorted(counts.items()))) if len(counts) > 1 else None


def _is_text(of: object) -> bool:
    return str(of) in ("string", "large_string") or str(of).startswith("dictionary<values=string")


def _missing(columns: Sequence[LabelColumn], file: str) -> list[Problem]:
    return [
        Problem(
            "W-BENCH-008",
            f"{len(column.excluded)} classes are missing from train or from test and are excluded:"
            f" {', '.join(column.excluded[:5])}{'…' if len(column.excluded) > 5 else ''}.",
            f"stratify the split (`spora-build split --by {column.name} --again`), or merge classes."
            if file.endswith("tissues.parquet")
            else "merge rare classes, or draw another split (`spora-build split --seed 1 --again`).",
            Place(file=file, column=column.name),
        )
        for column in columns
        if column.excluded
    ]


def _masks(layout: Layout, tissues: pd.DataFrame, modalities: Sequence[Modality]) -> list[Problem]:
    """Cell tasks read the instance masks at the resolution that the configuration names."""
    names = {tissue for modality in modalities for tissue in layout.find_images(modality, MPP)} & set(
        tissues["tissue_id"]
    )
    missing = sorted(tissue for tissue in names if not layout.cell_mask(MPP, tissue).is_file())
    if not missing:
        return []
    return [
        Problem(
            "W-BENCH-009",
            f"{len(missing)} of {len(names)} tissues have no instance mask at 1.0 µm; the cell-level tasks need one.",
            "give cell masks (`spora-build segment` finds cells), or leave the tissues out.",
            Place(file="segmentations/1_0mpp/cell_masks/instances"),
        )
    ]
