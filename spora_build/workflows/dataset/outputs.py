"""Finished outputs as inputs of the next stage: known by what they were made from and what is in them, not by times."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

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


def image_print(
    layout: Layout, ledger: Ledger, modality: Modality, mpp: float, tissue_id: str, state: str | None = None
) -> str:
    """Fingerprint of a stored image: its input and settings where we made it, and its state (None: look at it)."""
    made_from = ledger.entries.get(image_key(modality, mpp, tissue_id))
    return fingerprint(made_from, state or image_state(layout.image(modality, mpp, tissue_id)))


def image_state(path: Path) -> str:
    """Seal of a stored image; where it has none, since somebody else wrote it, the sizes and times of its files."""
    return seal_image(path) or fingerprint_file(path)


def mask_print(layout: Layout, mpp: float, tissue_id: str) -> str:
    """Fingerprint of a tissue mask: the checksum of its pixels; ``missing`` where there is none that can be read."""
    return seal_mask(layout.tissue_mask(mpp, tissue_id)) or "missing"


def replaced_entry(ledger: Ledger, key: str, masks: Iterable[Path]) -> tuple[str, str]:
    """The line of the ledger with the seals of masks that a piece of work is about to replace, and of all before.

    What stands there after work that was begun and never ended is ours; else a person may have edited it since.
    """
    last, former = _made(ledger, key)
    return _made_line(key, last, former | (_sealed(masks) if ledger.was_begun(key) else set()))


def made_entry(ledger: Ledger, key: str, masks: Iterable[Path]) -> tuple[str, str]:
    """The same line with the masks that the work has made since."""
    last, former = _made(ledger, key)
    return _made_line(key, _sealed(masks), last | former)


def are_former(ledger: Ledger, key: str, masks: Iterable[Path]) -> bool:
    """Whether one of the masks that stand there was replaced before: a folder was away meanwhile, and is back.

    A mask that nobody here knows is not former: a person may have edited it.
    """
    last, former = _made(ledger, key)
    return not (former - last).isdisjoint(_sealed(masks))


def _made(ledger: Ledger, key: str) -> tuple[set[str], set[str]]:
    """Seals of the masks that were made last, and of all before them."""
    last, _, former = ledger.entries.get(_made_line(key)[0], "").partition("/")
    return set(last.split()), set(former.split())


def _made_line(key: str, last: Iterable[str] = (), former: Iterable[str] = ()) -> tuple[str, str]:
    return f"made/{key}", f"{' '.join(sorted(last))}/{' '.join(sorted(former))}"


def _sealed(masks: Iterable[Path]) -> set[str]:
    """Seals of the masks that are there, each bound to its place."""
    return {fingerprint(*path.parts[-4:], seal) for path in masks if (seal := seal_mask(path)) is not None}


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
