"""Columns of labels that spora-bench can learn, and how often each class is in train and in test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow.parquet as pq

from spora_build.model.modality import Modality
from spora_build.store.layout import Layout

MAX_CLASSES = 64
MAX_TISSUE_CLASSES = 20
_KEYS = {"tissue_id", "patient_id", "specimen_id", "biopsy_id", "dataset", "modality", "alignment", "split"}
_KEYS |= {"original_patient_id", "cell_id", "original_cell_id"}
MISSING_TEXTS = ("nan", "<NA>", "None")
"""What missing values of tissues.parquet become in spora-bench, which makes text of them before it looks."""


@dataclass(frozen=True)
class LabelColumn:
    """A column of labels and how often each class is in each split."""

    name: str
    counts: Mapping[str, Mapping[str, int]]
    """Class to split (``train``, ``test``, or ``all`` where there is none) to rows."""
    least_train: int = 1
    """Rows of a class that training needs."""
    missing: int = 0
    """Rows without a label."""

    @property
    def excluded(self) -> tuple[str, ...]:
        """Classes that cannot be learnt and tested: too few in train, or missing from test."""
        return tuple(
            name
            for name, of in self.counts.items()
            if "all" not in of and (of.get("train", 0) < self.least_train or not of.get("test"))
        )

    @property
    def learnt(self) -> tuple[str, ...]:
        """The other classes."""
        return tuple(name for name in self.counts if name not in self.excluded)

    def rows(self, split: str) -> int:
        """Rows of the classes that are learnt."""
        return sum(self.counts[name].get(split, 0) for name in self.learnt)


def cell_columns(layout: Layout, tissues: pd.DataFrame) -> Iterator[LabelColumn]:
    """Text columns of cells.parquet with 2 to ``MAX_CLASSES`` classes."""
    if not layout.cells_table.is_file():
        return
    split_of = _split_of(tissues)
    for item in pq.read_schema(layout.cells_table):
        if item.name not in _KEYS and _is_text(item.type):
            column = _count(_chunks(layout, item.name), item.name, split_of, MAX_CLASSES)
            if column is not None:
                yield column


def tissue_columns(tissues: pd.DataFrame, modalities: Sequence[Modality]) -> Iterator[LabelColumn]:
    """Text columns of tissues.parquet with 2 to ``MAX_TISSUE_CLASSES`` classes among the tissues of ``modalities``.

    spora-bench divides the training tissues again and so needs two of each class.
    """
    rows = tissues[tissues["modality"].isin([modality.name for modality in modalities])].drop_duplicates("tissue_id")
    split_of = _split_of(tissues)
    for name in tissues.columns:
        if name not in _KEYS and pd.api.types.is_string_dtype(tissues[name]):
            column = _count(iter([rows[["tissue_id", name]]]), name, split_of, MAX_TISSUE_CLASSES, least_train=2)
            if column is not None:
                yield column


def _chunks(layout: Layout, name: str) -> Iterator[pd.DataFrame]:
    with pq.ParquetFile(layout.cells_table) as file:
        for batch in file.iter_batches(batch_size=1 << 18, columns=["tissue_id", name]):
            yield batch.to_pandas()


def _split_of(tissues: pd.DataFrame) -> dict[str, str]:
    if "split" not in tissues or tissues["split"].isna().all():
        return dict.fromkeys(tissues["tissue_id"], "all")
    known = tissues.dropna(subset=["split"])
    return dict(zip(known["tissue_id"], known["split"], strict=True))


def _count(
    chunks: Iterator[pd.DataFrame], name: str, split_of: Mapping[str, str], most: int, *, least_train: int = 1
) -> LabelColumn | None:
    """Classes of a column in the order of their names; None where there are not 2 to ``most`` of them."""
    counts: dict[str, dict[str, int]] = {}
    missing = 0
    for chunk in chunks:
        missing += int(chunk[name].isna().sum())
        splits = chunk["tissue_id"].map(split_of)
        known = chunk.assign(split=splits).dropna(subset=[name, "split"])
        for of_class, rows in known.groupby(known[name].astype(object)):
            of = counts.setdefault(str(of_class), {})
            for split, count in rows["split"].value_counts().items():
                of[str(split)] = of.get(str(split), 0) + int(count)
        if len(counts) > most:
            return None
    return LabelColumn(name, dict(sorted(counts.items())), least_train, missing) if len(counts) > 1 else None


def _is_text(of: object) -> bool:
    return str(of) in ("string", "large_string") or str(of).startswith("dictionary<values=string")
