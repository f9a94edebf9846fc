"""What masks hold: read only with ``--deep``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.checks.broken_rows import listed
from spora_build.checks.core import NotApplicableError, Violation, rule
from spora_build.checks.view import DatasetView
from spora_build.errors import Severity

MISPLACED_SHARE = 0.02
"""Of labelled pixels: fewer may come of another rounding than ours at the cells' borders."""


@rule("V531", deep=True, needs=["V502"], remedy="Make or download the mask again.")
def masks_decompress(view: DatasetView) -> Iterator[Violation]:
    """Every mask decompresses, and its checksum is right."""
    for mask in view.masks:
        if mask.read() is None:
            yield Violation(mask.place)


@rule(
    "V532",
    deep=True,
    needs=["V531"],
    severity=Severity.WARNING,
    remedy="Look at the image; `spora-build mask` with another threshold, or take the tissue out.",
)
def tissue_masks_are_not_empty(view: DatasetView) -> Iterator[Violation]:
    """A tissue mask has tissue in it; without any there are no tiles."""
    for mask in view.tissue_masks.values():
        pixels = mask.read()
        if pixels is not None and not pixels.any():
            yield Violation(mask.place)


@rule("V533", deep=True, needs=["V531"], severity=Severity.NOTE, remedy="Nothing, where the tissue fills the image.")
def tissue_masks_are_not_full(view: DatasetView) -> Iterator[Violation]:
    """A tissue mask has background in it; a full mask may be one that nobody made."""
    for mask in view.tissue_masks.values():
        pixels = mask.read()
        if pixels is not None and pixels.all():
            yield Violation(mask.place)


@rule("V534", deep=True, needs=["V203", "V204", "V531"], remedy="Run `spora-build cells` again.")
def labels_are_cells(view: DatasetView) -> Iterator[Violation]:
    """At the finest pixel size, the labels of an instance mask are exactly the cell_ids of its tissue."""
    cells = {str(tissue): set(ids) for tissue, ids in view.cells.rows.groupby("tissue_id")["cell_id"]}
    for (tissue, mpp), mask in sorted(view.instance_masks.items()):
        labels = mask.read() if mpp == view.finest_mpp.get(tissue, mpp) else None
        if labels is None:
            continue
        difference = set(_labels(labels).tolist()) ^ cells.get(tissue, set())
        if difference:
            yield Violation(mask.place, f"{len(difference)} labels differ: {listed(difference)}")


@rule("V535", deep=True, needs=["V511", "V531"], severity=Severity.WARNING, remedy="Relabel cells and table 1…N.")
def labels_are_consecutive(view: DatasetView) -> Iterator[Violation]:
    """At the finest pixel size, the labels of an instance mask are 1…N."""
    for (tissue, mpp), mask in sorted(view.instance_masks.items()):
        labels = mask.read() if mpp == view.finest_mpp.get(tissue, mpp) else None
        found = _labels(labels) if labels is not None else np.array([])
        if len(found) and int(found[-1]) != len(found):
            yield Violation(mask.place, f"{len(found)} labels up to {found[-1]}")


@rule(
    "V536",
    deep=True,
    needs=["V531"],
    severity=Severity.WARNING,
    remedy="Resample the finest mask by nearest neighbour.",
)
def resampled_labels_are_labels(view: DatasetView) -> Iterator[Violation]:
    """A resampled instance mask has no labels but those that the finest one has at that place: never blended."""
    for (tissue, mpp), mask in sorted(view.instance_masks.items()):
        finest = view.instance_masks.get((tissue, view.finest_mpp.get(tissue, mpp)))
        if finest is None or finest is mask:
            continue
        copied, original = mask.read(), finest.read()
        if copied is not None and original is not None:
            foreign = set(_labels(copied).tolist()) - set(_labels(original).tolist())
            if foreign:
                yield Violation(mask.place, listed(foreign))
            elif _share_elsewhere(copied, original) > MISPLACED_SHARE:
                yield Violation(mask.place, "labels lie where the finest mask has others")


@rule("V537", deep=True, needs=["V521", "V531"], remedy="Add the categories to label_encoder.parquet.")
def categories_are_encoded(view: DatasetView) -> Iterator[Violation]:
    """Every value of a task mask other than 0 is an id of its label encoder."""
    for mask in view.task_masks:
        pixels = mask.read()
        encoder = view.table(view.layout.label_encoder(mask.mpp, mask.folder)).rows
        if pixels is not None:
            foreign = set(_labels(pixels).tolist()) - set(encoder["id"].dropna().astype(int))
            if foreign:
                yield Violation(mask.place, listed(foreign))


@rule("V538", deep=True, needs=["V531"], severity=Severity.WARNING, remedy="Make the task mask from the instance mask.")
def categories_lie_in_cells(view: DatasetView) -> Iterator[Violation]:
    """A task mask has categories only where its instance mask has cells."""
    if not view.task_masks:
        raise NotApplicableError("there are no task masks")
    for mask in view.task_masks:
        instances = view.instance_masks.get((mask.tissue_id, mask.mpp))
        pixels, labels = mask.read(), instances.read() if instances else None
        if pixels is not None and labels is not None and pixels.shape == labels.shape:
            outside = int(((pixels != 0) & (labels == 0)).sum())
            if outside:
                yield Violation(mask.place, f"{outside} pixels outside cells")


def _share_elsewhere(copied: NDArray[Any], original: NDArray[Any]) -> float:
    """Share of the copy's labelled pixels whose label the finest mask has nowhere under that pixel.

    Looks at the ends and about the middle of what a pixel covers: there a nearest neighbour is taken from.
    """
    rows, cols = (_samples(n, m) for n, m in zip(copied.shape, original.shape, strict=True))
    found = np.zeros(copied.shape, np.bool_)
    for row in rows:
        for col in cols:
            found |= original[np.ix_(row, col)] == copied
    labelled = copied != 0
    return float((labelled & ~found).sum() / max(1, int(labelled.sum())))


def _samples(copied: int, original: int) -> list[NDArray[np.int64]]:
    """For each pixel along an axis: first, about the middle, last of the finer pixels that it covers."""
    step = original / copied
    starts = np.arange(copied) * step
    places = [starts, starts + step / 2 - 1, starts + step / 2, starts + step / 2 + 1, starts + step - 1e-9]
    return [np.clip(np.floor(place).astype(np.int64), 0, original - 1) for place in places]


def _labels(mask: NDArray[Any]) -> NDArray[Any]:
    found: NDArray[Any] = np.unique(mask)
    return found[np.flatnonzero(found)]
