"""What stands in a dataset and nobody asks for: tissues and pixel sizes of former sheets and settings."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from spora_build.errors import Place, Problem
from spora_build.model.modality import Modality
from spora_build.store.atomic import remove
from spora_build.store.layout import Layout
from spora_build.workflows.planning.plan import Plan

Wanted = Mapping[str, Collection[tuple[Modality, float]]]
"""By tissue, the images it has: modality and pixel size."""


def wanted_by(plan: Plan) -> dict[str, set[tuple[Modality, float]]]:
    """The images that a plan asks for."""
    return {
        tissue.tissue_id: {(image.modality, output.mpp) for image in tissue.images for output in image.outputs}
        for tissue in plan.tissues
    }


def find_orphans(layout: Layout, wanted: Wanted) -> list[Path]:
    """Images and masks that nobody asks for, and what else is in a pixel size's folder that keeps none; sorted."""
    return sorted({*_images(layout, wanted), *_masks(layout, wanted)})


def _images(layout: Layout, wanted: Wanted) -> Iterator[Path]:
    for modality in layout.find_modalities():
        for mpp in layout.find_resolutions(modality):
            stored = layout.find_images(modality, mpp)
            orphans = [tissue for tissue in stored if (modality, mpp) not in wanted.get(tissue, ())]
            if len(orphans) == len(stored):
                yield layout.resolution(modality, mpp)
            else:
                yield from (layout.image(modality, mpp, tissue) for tissue in orphans)


def _masks(layout: Layout, wanted: Wanted) -> Iterator[Path]:
    for mpp in layout.find_mask_resolutions():
        keep = {tissue for tissue, images in wanted.items() if mpp in {at for _, at in images}}
        if not keep:
            yield layout.segmentations(mpp)
            if layout.tiling(mpp, "default").parent.is_dir():
                yield layout.tiling(mpp, "default").parent
            continue
        for folder in sorted(layout.segmentations(mpp).glob("**/")):
            yield from (mask for mask in sorted(folder.glob("*.npz")) if mask.stem not in keep)


def prune(layout: Layout, orphans: Collection[Path]) -> None:
    """Remove them. A modality that has no pixel size left goes with its tables."""
    for path in orphans:
        remove(path)
    for modality in layout.find_modalities():
        if not layout.find_resolutions(modality):
            remove(layout.modality(modality))
    ihc = layout.root / "ihc"
    if ihc.is_dir() and not any(ihc.iterdir()):
        ihc.rmdir()


def orphan_problems(layout: Layout, orphans: Collection[Path]) -> list[Problem]:
    """One warning for each."""
    return [
        Problem(
            "W-BUILD-001",
            "this stands in the dataset, and the sheet or the settings no longer ask for it.",
            "add --prune to remove it; it stays otherwise, and no table names it.",
            Place(file=path.relative_to(layout.root).as_posix()),
        )
        for path in orphans
    ]
