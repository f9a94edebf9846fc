"""Configurations for spora-bench: one per modality, and a starting benchmark for each column of labels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.model.modality import Modality
from spora_build.store.layout import Layout
from spora_build.store.tables import read_frame
from spora_build.workflows.dataset import bench_checks
from spora_build.workflows.dataset.bench_checks import MPP
from spora_build.workflows.dataset.bench_labels import MISSING_TEXTS, LabelColumn, cell_columns, tissue_columns

TILE_PX = 128
STAINING_TILE_PX = 256
PREFERRED = ("quantile_clipping_log1p/uq_0.99_image", "quantile_clipping/uq_0.99_image")
_YAML_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


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
    tissues = read_frame(layout.tissues_table)
    problems: list[Problem] = []
    files = {}
    for modality in modalities:
        own = name if len(modalities) == 1 else f"{name}_{modality}"
        files[f"datasets/{own}.yaml"] = _dataset_yaml(layout, modality, problems)
        staining = _staining_yaml(layout, modality, problems)
        if staining is not None:
            files[f"datasets/he_staining/{own}.yaml"] = staining
        problems += bench_checks.small_images(layout, modality)
    problems += bench_checks.splits(tissues)
    cells = list(cell_columns(layout, tissues))
    problems += [problem for column in cells for problem in bench_checks.classes(column, "metadata/cells.parquet")]
    if cells:
        problems += bench_checks.masks(layout, tissues, modalities)
    of_tissues = list(tissue_columns(tissues, modalities))
    problems += [p for column in of_tissues for p in bench_checks.classes(column, "metadata/tissues.parquet")]
    for level, columns in (("cell_level", cells), ("cell_annotation", cells), ("tissue_level", of_tissues)):
        learnt = [column for column in columns if len(column.learnt) > 1]
        if learnt:
            files[f"benchmarks/{level}/{name}.yaml"] = _benchmark_yaml(name, level, learnt)
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
    problems += _tiles(layout, MPP, TILE_PX)
    return _dataset(
        layout,
        modality,
        {
            "standardization": spec or "identity",
            "resolution": MPP,
            "filter_list": ["gaussian_blur"],
            "use_mean_std": spec is not None,
            "disable_quantile_mask": False,
        },
    )


def _staining_yaml(layout: Layout, modality: Modality, problems: list[Problem]) -> str | None:
    """For virtual staining from H&E, where both are stored at one pixel size: at the finest such."""
    brightfield = [of for of in layout.find_modalities() if of.name == "he"]
    shared = {mpp for of in brightfield for mpp in layout.find_resolutions(of)} & {*layout.find_resolutions(modality)}
    if not shared:
        return None
    problems += _tiles(layout, min(shared), STAINING_TILE_PX)
    how = {"use_mean_std": False, "disable_quantile_mask": True}
    named = {"standardization": "identity", "resolution": min(shared), "filter_list": ["gaussian_blur"]}
    return _dataset(layout, modality, {**named, **how})


def _tiles(layout: Layout, mpp: float, size_px: int) -> list[Problem]:
    path = layout.tile_coordinates(mpp, "default", size_px)
    if path.is_file():
        return []
    return [
        Problem(
            "W-BENCH-003",
            f"there are no tiles of {size_px} px at {mpp:g} µm, on which spora-bench runs.",
            f"run `spora-build tile --size {size_px} --mpp {mpp:g}`.",
            Place(file=path.parent.relative_to(layout.root).as_posix()),
        )
    ]


def _dataset(layout: Layout, modality: Modality, how: Mapping[str, object]) -> str:
    values = {"name": layout.name, "path": str(layout.root.resolve()), "modality": modality.name, **how}
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
        excluded = list(column.excluded)
        lines.append(f"          label_col: {json.dumps(column.name)}")
        if level == "cell_annotation":
            lines.append("          # the classes that your method predicts, in the order of its numbers")
            lines.append(f"          class_order: {json.dumps(list(column.counts), ensure_ascii=False)}")
        if level == "tissue_level" and column.missing:
            lines.append(f"          # {column.missing} without a label, in the ways that missing text is spelt")
            excluded += MISSING_TEXTS
        lines.append(f"          excluded_classes: {json.dumps(excluded, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    """A key that YAML takes for text."""
    return json.dumps(name) if name in _YAML_WORDS or not name[0].isalpha() else name


def _one_line(text: str) -> str:
    return " ".join(text.split())
