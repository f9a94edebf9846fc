"""What spora-bench skips or misses."""

from __future__ import annotations

from collections.abc import Iterator

from spora_build.checks.core import NotApplicableError, Violation, rule
from spora_build.checks.view import DatasetView
from spora_build.errors import Severity
from spora_build.store.layout import resolution_folder

SMALLEST_PX = 256
TRAINING_MPP = 1.0
TRAINING_TILES_PX = (128, 224)
VIRTUAL_STAINING_TILE_PX = 256


@rule("V951", severity=Severity.WARNING, remedy="Nothing; leave the tissue out of a benchmark.")
def images_large_enough(view: DatasetView) -> Iterator[Violation]:
    """Images have 256 pixels a side at least: spora-bench skips smaller ones."""
    for image in view.images:
        if image.size is not None and min(image.size.height, image.size.width) < SMALLEST_PX:
            yield Violation(image.place, f"{image.size.height} × {image.size.width}")


@rule("V952", severity=Severity.NOTE, remedy="Convert with --mpp 1.0 where the pixel size allows it.")
def images_at_training_resolution(view: DatasetView) -> Iterator[Violation]:
    """Every modality has images at 1.0 mpp, where spora-bench trains."""
    for modality in view.modalities:
        found = {image.mpp for image in view.images_of(modality)}
        if found and TRAINING_MPP not in found:
            yield Violation(modality.folder, "no 1_0mpp")


@rule("V953", severity=Severity.NOTE, remedy="Run `spora-build tile`, which makes these sizes by default.")
def tiles_for_training(view: DatasetView) -> Iterator[Violation]:
    """There are default tiles of 128 and 224 pixels at 1.0 mpp, and of 256 at the finest pixel size of H&E."""
    if not view.tilings:
        raise NotApplicableError("there are no tiles")
    wanted = set()
    if any(image.mpp == TRAINING_MPP for image in view.images):
        wanted |= {(TRAINING_MPP, size) for size in TRAINING_TILES_PX}
    finest = min((image.mpp for image in view.images if image.modality.name == "he"), default=None)
    if finest is not None:
        wanted.add((finest, VIRTUAL_STAINING_TILE_PX))
    present = {(tiling.mpp, tiling.size_px) for tiling in view.tilings if tiling.strategy == "default"}
    for mpp, size in sorted(wanted - present):
        yield Violation(f"tiling/{resolution_folder(mpp)}/default", f"no tiles of {size} px")
