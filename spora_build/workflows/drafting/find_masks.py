"""Which single-plane files are masks, and which acquisition each belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import PurePosixPath

from spora_build.errors import Place, Problem
from spora_build.workflows.drafting.find_acquisitions import MASK_WORDS, Acquisition, stem, words
from spora_build.workflows.drafting.label_patches import look_at_patches

_CELL_WORDS = frozenset((
    "cell", "cells", "nuclear", "nuclei", "nucleus", "nuc", "nucleusmask", "wholecell", "whole", "membrane",
    "instances", "ring", "cyto", "cytoplasm",
))  # fmt: skip
_NUCLEUS_WORDS = frozenset(("nuclear", "nuclei", "nucleus", "nuc"))
_PROBABILITY_WORDS = frozenset(("s2", "probabilities"))
"""``…_ilastik_s2_Probabilities_mask.tiff``: cells that CellProfiler made of ilastik's probabilities, scaled twice."""
_TISSUE_WORDS = frozenset(("tissue", "foreground", "tissuemask"))
_IMAGE_WORDS = frozenset((
    "image", "images", "img", "imgs", "raw", "data", "stack", "full", "expression", "exprs", "tiff", "tif", "tiffs",
    "tifs", "ome",
))  # fmt: skip


@dataclass(frozen=True)
class Mask:
    """A file with labels or with a foreground."""

    acquisition: Acquisition
    kind: str
    """``cell_mask`` or ``tissue_mask``."""
    is_binary: bool

    @property
    def file(self) -> str:
        """Relative to the raw folder."""
        return self.acquisition.file


@dataclass
class Pairing:
    """Masks by acquisition, and what to tell."""

    cell: dict[Acquisition, str] = field(default_factory=dict)
    tissue: dict[Acquisition, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def split_masks(found: Sequence[Acquisition]) -> tuple[list[Acquisition], list[Mask], list[Problem]]:
    """Images, masks, and problems with files that are neither.

    A mask is named so (file or folder) and holds integers in one plane, or it looks like labels: whole numbers from 0
    in patches. Names alone suffice for pictures in colour of the tissue's outline.
    """
    images: list[Acquisition] = []
    masks: list[Mask] = []
    problems: list[Problem] = []
    for acquisition in found:
        said = _says_mask(acquisition)
        if acquisition.channel_count == 1 and acquisition.is_alone:
            mask = _look(acquisition, said)
            if mask is not None:
                masks.append(mask)
                continue
        if said and acquisition.roi.is_rgb and _TISSUE_WORDS & set(words(stem(acquisition.file))):
            masks.append(Mask(acquisition, "tissue_mask", is_binary=True))
        elif said and not acquisition.roi.is_rgb and "float" not in acquisition.roi.dtype:
            problems.append(_odd_mask(acquisition))
        else:
            images.append(acquisition)
    return images, masks, problems


def pair_masks(images: Sequence[Acquisition], masks: Sequence[Mask]) -> Pairing:
    """The masks of each image: in its folder, or by name, of several the one nearest in the tree; else by size, where
    both are the only ones of that size in their folder.
    """
    pairing = Pairing()
    by_name: defaultdict[tuple[str, ...], list[Acquisition]] = defaultdict(list)
    for image in images:
        for key in image_keys(image):
            by_name[key].append(image)
    unpaired: list[Mask] = []
    for mask in sorted(masks, key=lambda m: (bool(_NUCLEUS_WORDS & set(words(stem(m.file)))), m.file)):
        folder = PurePosixPath(mask.file).parent.as_posix()
        around = [image for image in images if folder in (image.file, *image.copies)]
        named = [i for i in around or by_name.get(_mask_key(mask), []) if i.size == mask.acquisition.size]
        chosen = _nearest([image for image in named if not image.roi.is_rgb] or named, mask.file)
        if len(chosen) == 1:
            _give(pairing, chosen[0], mask)
        else:
            unpaired.append(mask)
    for mask in unpaired:
        _pair_by_size(pairing, mask, images, unpaired)
    return pairing


def image_keys(image: Acquisition) -> set[tuple[str, ...]]:
    """The words that tell an image from others, for each of its names; of its folder where a name says nothing."""
    folders = [parent.name for parent in PurePosixPath(image.file).parents]
    keys = (next((key for text in (name, *folders) if (key := core_words(text))), ()) for name in image.names)
    return {key for key in keys if key}


def _nearest(images: Sequence[Acquisition], file: str) -> list[Acquisition]:
    """Those of the images that share most folders with a file."""

    def shared(image: Acquisition) -> int:
        pairs = zip(PurePosixPath(image.file).parts[:-1], PurePosixPath(file).parts[:-1], strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    most = max(map(shared, images), default=0)
    return [image for image in images if shared(image) == most]


def core_words(name: str) -> tuple[str, ...]:
    """The words of an image's name that tell it from others."""
    return tuple(word for word in words(name) if word not in _IMAGE_WORDS)


def _mask_key(mask: Mask) -> tuple[str, ...]:
    """The words of a mask's name that name its image; those of the folder where the file's own say nothing."""
    path = PurePosixPath(mask.file)
    for name in (stem(mask.file), *(parent.name for parent in path.parents)):
        key = tuple(word for word in core_words(name) if word not in MASK_WORDS | _CELL_WORDS | _TISSUE_WORDS)
        if "probabilities" in key:
            key = tuple(word for word in key if word not in _PROBABILITY_WORDS)
        if key:
            return key
    return ()


def _says_mask(acquisition: Acquisition) -> bool:
    path = PurePosixPath(acquisition.file)
    return any(MASK_WORDS & set(words(name)) for name in (stem(acquisition.file), path.parent.name))


def _look(acquisition: Acquisition, said: bool) -> Mask | None:
    """The file as a mask, None where it is none."""
    name = set(words(stem(acquisition.file)))
    patches = look_at_patches(acquisition.path)
    if patches is None or not (said or patches.are_labels):
        return None
    is_tissue = bool(name & _TISSUE_WORDS) or (patches.is_binary and not name & _CELL_WORDS)
    return Mask(acquisition, "tissue_mask" if is_tissue else "cell_mask", patches.is_binary)


def _give(pairing: Pairing, image: Acquisition, mask: Mask, *, guess: bool = False) -> None:
    taken = pairing.cell if mask.kind == "cell_mask" else pairing.tissue
    if image in taken:
        what = f"another {mask.kind} of {image.file}, for which {taken[image]} is listed."
        pairing.problems.append(_warning("W-INIT-004", mask, what, "list this one instead where it is the better one."))
        return
    taken[image] = mask.file
    if guess:
        what = f"taken for the {mask.kind} of {image.file}, the only image of its size in the folder."
        pairing.problems.append(_warning("W-INIT-003", mask, what, "check it."))
    if mask.is_binary and mask.kind == "cell_mask":
        what = "this cell mask has two values only: it says where cells are, not which."
        remedy = "set split_components under [cells] in spora.toml, or give a mask with a number for each cell."
        pairing.problems.append(_warning("W-INIT-005", mask, what, remedy))
    elif mask.is_binary and not _TISSUE_WORDS & set(words(stem(mask.file))):
        what = "a mask of two values, taken for the tissue mask."
        remedy = "move it to the column cell_mask where it shows cells."
        pairing.problems.append(_warning("W-INIT-006", mask, what, remedy))


def _pair_by_size(pairing: Pairing, mask: Mask, images: Sequence[Acquisition], masks: Sequence[Mask]) -> None:
    folder = PurePosixPath(mask.file).parent
    size = mask.acquisition.size
    alike = [i for i in images if i.size == size and PurePosixPath(i.file).parent == folder]
    rivals = [m for m in masks if m.acquisition.size == size and PurePosixPath(m.file).parent == folder]
    if len(alike) == 1 and len(rivals) == 1:
        _give(pairing, alike[0], mask, guess=True)
        return
    what = "looks like a mask, but no single image has its name and size."
    pairing.problems.append(
        _warning("W-INIT-002", mask, what, f"write it into the column {mask.kind} of its image, or leave it.")
    )


def _odd_mask(acquisition: Acquisition) -> Problem:
    count = acquisition.channel_count
    return Problem(
        "W-INIT-007",
        f"is named like a mask, but holds {count} planes of {acquisition.roi.dtype}; it is not listed.",
        "write it into the column cell_mask and the plane with the cells into spora.toml, or export that plane.",
        Place(file=acquisition.file),
    )


def _warning(code: str, mask: Mask, what: str, remedy: str) -> Problem:
    return Problem(code, what, remedy, Place(file=mask.file))
