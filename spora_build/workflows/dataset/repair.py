"""What an older crash, a full disk or a stray copy left in a dataset: found, and put right where that is safe."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from spora_build.errors import InvalidDataError
from spora_build.model.modality import Modality
from spora_build.store.atomic import TEMPORARY_SUFFIX, remove
from spora_build.store.image import open_image
from spora_build.store.layout import Layout
from spora_build.store.ledger import Ledger
from spora_build.store.seal import seal_image, seal_mask, seal_table
from spora_build.store.sweep import find_leftovers
from spora_build.store.tables import read_table
from spora_build.workflows.dataset.hold import hold
from spora_build.workflows.dataset.orphans import find_orphans, prune
from spora_build.workflows.dataset.outputs import image_key, mask_key
from spora_build.workflows.dataset.roster import ROSTER_FILE, open_roster, published, withdraw
from spora_build.workflows.dataset.sources import SOURCE_PREFIX

_STRAYS = {".DS_Store", "Thumbs.db", "desktop.ini"}
_STRAY_STARTS = ("._", ".nfs", ".fuse_hidden")


class Fault(StrEnum):
    """What is wrong with a file or folder."""

    UNFINISHED = "unfinished"
    DISPLACED = "renamed away"
    STRAY = "stray"
    DAMAGED = "damaged"
    ORPHAN = "orphan"
    MISSING = "missing"


@dataclass(frozen=True)
class Finding:
    """One thing that should not be so."""

    path: Path
    fault: Fault
    fix: str
    """What ``repair`` does about it, or who does."""
    tissue_id: str | None = None
    key: str | None = None
    """What the ledger calls it."""
    is_kept: bool = False
    """Whether a repair leaves it where it is."""


def find_faults(layout: Layout) -> list[Finding]:
    """Everything that a repair would look at, in a dataset and its private folder. Reads little of each file."""
    found = [*_leftovers(layout), *_strays(layout), *_damaged(layout), *_missing(layout)]
    damaged = {finding.path for finding in found if finding.fault is Fault.DAMAGED}
    found += [finding for finding in _orphans(layout) if finding.path not in damaged]
    return sorted(found, key=lambda finding: (finding.fault, finding.path))


def repair(layout: Layout, *, with_orphans: bool = False) -> list[Finding]:
    """Put right what can be; returns what was found.

    What is damaged is removed where the ledger says that it was made here and so can be made again; else it stays, for
    half of the only copy is better than none. Orphans go only ``with_orphans``: after an unfinished build they are
    finished work that no table names yet.
    """
    unfinished = list(_leftovers(layout))
    with hold(layout):  # sweeps
        found = find_faults(layout)
        damaged = [finding for finding in found if finding.fault is Fault.DAMAGED]
        withdraw(open_roster(layout), {finding.tissue_id for finding in damaged if finding.tissue_id is not None})
        Ledger.load(layout.private).begin(finding.key for finding in damaged if finding.key is not None)
        for finding in found:
            if finding.fault in (Fault.DAMAGED, Fault.STRAY) and not finding.is_kept:
                remove(finding.path)
        if with_orphans:
            prune(layout, [finding.path for finding in found if finding.fault is Fault.ORPHAN])
    return [*unfinished, *found]


def _leftovers(layout: Layout) -> Iterator[Finding]:
    for folder in (layout.root, layout.private):
        if folder.is_dir():
            for left in find_leftovers(folder):
                if left.home is not None:
                    yield Finding(left.path, Fault.DISPLACED, "put back in its place")
                else:
                    yield Finding(left.path, Fault.UNFINISHED, "removed")


def _strays(layout: Layout) -> Iterator[Finding]:
    for at, folders, files in os.walk(layout.root):
        for name in files:
            if name in _STRAYS or name.startswith(_STRAY_STARTS):
                yield Finding(Path(at) / name, Fault.STRAY, "removed")
        folders[:] = [name for name in folders if not name.endswith(TEMPORARY_SUFFIX)]


def _damaged(layout: Layout) -> Iterator[Finding]:
    known = Ledger.load(layout.private).entries
    by_convert = "convert" if any(key.startswith(SOURCE_PREFIX) for key in known) else None
    for modality, mpp, tissue in _stored(layout):
        path, key = layout.image(modality, mpp, tissue), image_key(modality, mpp, tissue)
        if seal_image(path) is None and not (key not in known and _opens(path)):
            yield _damage(path, by_convert if key in known else None, tissue, key)
    for mpp in layout.find_mask_resolutions():
        for path in sorted(layout.segmentations(mpp).glob("*_masks/**/*.npz")):
            if seal_mask(path) is None:
                is_tissue = path.parent.name == "tissue_masks"
                key = mask_key(path.stem) if is_tissue else f"cells/{path.stem}"
                maker = by_convert or ("mask" if is_tissue else None)
                yield _damage(path, maker if key in known else None, path.stem, key)
    for path in _tables(layout):
        if seal_table(path) is None:
            yield _damage(path, by_convert)


def _damage(path: Path, maker: str | None, tissue_id: str | None = None, key: str | None = None) -> Finding:
    """A damaged output and the command that makes it again; None: none does."""
    if maker is None:
        fix = "kept: it was not made here; copy or fetch it again"
        return Finding(path, Fault.DAMAGED, fix, is_kept=True)
    return Finding(path, Fault.DAMAGED, f"removed; {maker} makes it again", tissue_id, key)


def _opens(path: Path) -> bool:
    """Whether an image without a seal, since somebody else wrote it, can be read."""
    try:
        open_image(path)
    except InvalidDataError:
        return False
    return True


def _tables(layout: Layout) -> Iterator[Path]:
    for at, folders, files in os.walk(layout.root):
        folders[:] = sorted(name for name in folders if not name.endswith((TEMPORARY_SUFFIX, ".ome.zarr")))
        yield from (Path(at) / name for name in sorted(files) if name.endswith(".parquet") and not name.startswith("."))


def _stored(layout: Layout) -> Iterator[tuple[Modality, float, str]]:
    for modality in layout.find_modalities():
        for mpp in layout.find_resolutions(modality):
            yield from ((modality, mpp, tissue) for tissue in layout.find_images(modality, mpp))


def _missing(layout: Layout) -> Iterator[Finding]:
    wanted = [replace(layout, roster=None).tissues_table]
    for modality in layout.find_modalities():
        if modality.is_multiplex:
            wanted += [layout.channels_table(modality), layout.channels_per_tissue_table(modality)]
    for path in wanted:
        if not path.exists():
            yield Finding(path, Fault.MISSING, "run convert again: only the sheets say what belongs in it")
    if (layout.private / ROSTER_FILE).exists():
        yield Finding(layout.private / ROSTER_FILE, Fault.UNFINISHED, "run convert again: a build has not ended")


def _orphans(layout: Layout) -> Iterator[Finding]:
    known = published(layout)
    if not known:  # nothing says who belongs here
        return
    table = read_table(layout.tissues_table)
    modalities: dict[str, set[Modality]] = {}
    for tissue, name in zip(table["tissue_id"].to_pylist(), table["modality"].to_pylist(), strict=True):
        modalities.setdefault(str(tissue), set()).add(Modality(str(name)))
    wanted: dict[str, set[tuple[Modality, float]]] = {tissue: set() for tissue in modalities}
    for modality, mpp, tissue in _stored(layout):
        if modality in modalities.get(tissue, ()):
            wanted[tissue].add((modality, mpp))
    for path in find_orphans(layout, wanted):
        yield Finding(path, Fault.ORPHAN, "kept, since a build may go on from it; removed with --prune")
