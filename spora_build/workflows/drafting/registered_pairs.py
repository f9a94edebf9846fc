"""Images of different modalities that are one registered tissue, by their names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from spora_build.errors import Place, Problem
from spora_build.workflows.drafting.find_acquisitions import Acquisition
from spora_build.workflows.drafting.find_masks import image_keys
from spora_build.workflows.drafting.guess_modality import WORDS

_MODALITY_WORDS = frozenset((*WORDS, "he", "h", "e", "hes", "hande", "ihc", "registered", "aligned", "reg"))
_TOLERANCE_PX = 2.0


def registered_tissues(
    images: Sequence[Acquisition], modalities: Mapping[Acquisition, str]
) -> tuple[dict[Acquisition, str], list[Problem]]:
    """A tissue name for every image that has a registered partner, and notes.

    Partners have the same name but for the words of modalities, different modalities, and cover the same field: the
    same size in pixels, or in micrometres to within two of the coarser pixels.
    """
    groups: defaultdict[tuple[str, ...], list[Acquisition]] = defaultdict(list)
    for image in images:
        if modalities[image]:
            marker = modalities[image].removeprefix("ihc_").lower()
            keys = (tuple(w for w in key if w not in _MODALITY_WORDS | {marker}) for key in image_keys(image))
            groups[min(keys, key=lambda key: (len(key), key), default=())].append(image)
    tissues: dict[Acquisition, str] = {}
    problems: list[Problem] = []
    for key, group in groups.items():
        if not key or len(group) < 2 or len({modalities[image] for image in group}) < len(group):
            continue
        name = "_".join(key)
        others = ", ".join(image.file for image in group[1:])
        if all(_same_field(group[0], image) for image in group[1:]):
            tissues |= dict.fromkeys(group, name)
            what = f"taken for one registered tissue with {others}: the names agree and both cover the same field."
            problems.append(
                Problem(
                    "W-INIT-010",
                    what,
                    "check it in a viewer; empty the column tissue where they are not registered.",
                    Place(file=group[0].file),
                )
            )
        else:
            what = f"{others} has the same name, but another field, or a pixel size that is not known."
            remedy = "write the same text into the column tissue of both where they are one registered tissue."
            problems.append(Problem("N-INIT-011", what, remedy, Place(file=group[0].file)))
    return tissues, problems


def _same_field(one: Acquisition, other: Acquisition) -> bool:
    if one.size == other.size and (one.roi.mpp == other.roi.mpp or None in (one.roi.mpp, other.roi.mpp)):
        return True
    if one.roi.mpp is None or other.roi.mpp is None:
        return False
    slack = _TOLERANCE_PX * max(one.roi.mpp, other.roi.mpp)
    return all(abs(a * one.roi.mpp - b * other.roi.mpp) <= slack for a, b in zip(one.size, other.size, strict=True))
