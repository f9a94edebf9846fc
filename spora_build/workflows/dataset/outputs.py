"""Finished outputs as inputs of the next stage: known by what they were made from and what is in them, not by times."""

from __future__ import annotations

from collections.abc import Iterable

from spora_build.model.modality import Modality
from spora_build.model.report import Outcome
from spora_build.store.layout import Layout
from spora_build.store.ledger import Ledger, fingerprint, fingerprint_file
from spora_build.store.seal import seal_image, seal_mask


def image_key(modality: Modality, mpp: float, tissue_id: str) -> str:
    """Key of one stored image in the ledger."""
    return f"images/{modality}/{mpp!r}/{tissue_id}"


def mask_key(tissue_id: str) -> str:
    """Key of a tissue's masks in the ledger."""
    return f"mask/{tissue_id}"


def image_print(layout: Layout, ledger: Ledger, modality: Modality, mpp: float, tissue_id: str) -> str:
    """Fingerprint of a stored image: its input and settings where we made it, and its seal.

    An image that has no seal, since somebody else wrote it, is known by the sizes and times of its files.
    """
    path = layout.image(modality, mpp, tissue_id)
    made_from = ledger.entries.get(image_key(modality, mpp, tissue_id))
    return fingerprint(made_from, seal_image(path) or fingerprint_file(path))


def mask_print(layout: Layout, mpp: float, tissue_id: str) -> str:
    """Fingerprint of a tissue mask: the checksum of its pixels; ``missing`` where there is none that can be read."""
    return seal_mask(layout.tissue_mask(mpp, tissue_id)) or "missing"


def doubt(layout: Layout, failed: Iterable[Outcome]) -> None:
    """Believe no longer in stored images and masks that a stage found unreadable: the next build makes them again."""
    keys = []
    for outcome in failed:
        codes = {problem.code for problem in outcome.problems}
        if codes & {"E-IMAGE-001", "E-IMAGE-002", "E-IMAGE-003"}:
            for modality in layout.find_modalities():
                keys += [image_key(modality, mpp, outcome.tissue_id) for mpp in layout.find_resolutions(modality)]
        if "E-MASK-001" in codes:
            keys.append(mask_key(outcome.tissue_id))
    if keys:
        Ledger.load(layout.private).begin(keys)
