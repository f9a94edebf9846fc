"""What spora-bench would trip over in a dataset."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from spora_build.errors import Place, Problem
from spora_build.model.modality import Modality
from spora_build.store.image import open_image
from spora_build.store.layout import Layout
from spora_build.workflows.dataset.bench_labels import LabelColumn

MPP = 1.0
SMALLEST_PX = 256
_VALIDATION = 0.2
"""Share of the training tissues that spora-bench keeps for validation, one of each class at least."""


def small_images(layout: Layout, modality: Modality) -> list[Problem]:
    """spora-bench skips images below ``SMALLEST_PX`` a side."""
    found = layout.find_images(modality, MPP)
    small = []
    for tissue in found:
        size = open_image(layout.image(modality, MPP, tissue)).size
        if min(size.height, size.width) < SMALLEST_PX:
            small.append(tissue)
    if not small:
        return []
    return [
        Problem(
            "W-BENCH-004",
            f"{len(small)} of {len(found)} {modality} images have a side below {SMALLEST_PX} px at 1.0 µm; spora-bench"
            f" skips them ({', '.join(small[:3])}{'…' if len(small) > 3 else ''}).",
            "nothing to do, or give larger fields.",
            Place(file=modality.folder),
        )
    ]


def splits(tissues: pd.DataFrame) -> list[Problem]:
    """Patients are told apart by a split, each on one side."""
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


def masks(layout: Layout, tissues: pd.DataFrame, modalities: Sequence[Modality]) -> list[Problem]:
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


def classes(column: LabelColumn, file: str) -> list[Problem]:
    """Classes of a column that cannot be learnt and tested."""
    place = Place(file=file, column=column.name)
    of_tissues = file.endswith("tissues.parquet")
    again = f"stratify the split (`spora-build split --by {column.name} --again`), or merge classes."
    remedy = (
        again if of_tissues else "merge rare classes, or draw another split (`spora-build split --seed 1 --again`)."
    )
    problems = []
    if column.excluded:
        few = "have fewer than two tissues in train or none in test" if of_tissues else "are missing from train or test"
        named = f"{', '.join(column.excluded[:5])}{'…' if len(column.excluded) > 5 else ''}"
        what = f"{len(column.excluded)} classes {few} and are excluded: {named}."
        problems.append(Problem("W-BENCH-008", what, remedy, place))
    if len(column.learnt) < 2:
        what = f"{len(column.learnt)} classes are left to learn: no task is written."
        return [*problems, Problem("W-BENCH-010", what, remedy, place)]
    train = column.rows("train")
    if of_tissues and train and math.ceil(_VALIDATION * train) < len(column.learnt):
        problems.append(
            Problem(
                "W-BENCH-011",
                f"{train} tissues in train are too few for {len(column.learnt)} classes: spora-bench keeps a fifth of"
                " them for validation, with each class in it.",
                "add tissues, or merge classes.",
                place,
            )
        )
    if of_tissues and (column.missing or column.excluded):
        problems.append(
            Problem(
                "N-BENCH-012",
                "under pandas 3 spora-bench takes tissues without a label, or of excluded classes, for a class nan.",
                "run its tissue-level tasks with pandas 2.",
                place,
            )
        )
    return problems
