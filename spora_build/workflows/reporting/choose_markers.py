"""Which channels make the composites: the same for a whole cohort, so that pictures compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from spora_build.pixels.composite import MARKERS, NUCLEAR
from spora_build.pixels.correlation import correlations, structure
from spora_build.report.values import PanelChannel
from spora_build.store.image import open_image
from spora_build.store.mask_bands import read_mask_bands
from spora_build.workflows.reporting.jobs import Structure, StructureJob
from spora_build.workflows.reporting.look_at_modality import fitting_mask
from spora_build.workflows.reporting.picture_of import ShownChannel, channel_names, read_planes, resized

SAMPLE = 6
"""Images looked at for the choice."""
_SIDE_PX = 192
_REDUNDANT = 0.75
"""A marker that correlates more with a chosen one shows nothing new."""
_NOISE_FLOOR = 0.25
"""Full colour is at least this share of the cohort's median clipping quantile."""


def look_at_structure(job: StructureJob) -> Structure:
    """Score an image's channels on a small copy. Raises InvalidDataError."""
    image = open_image(job.image)
    names = channel_names(image)
    factor = max(1.0, max(image.size.height, image.size.width) / _SIDE_PX)
    planes = read_planes(image, [ShownChannel(name, NUCLEAR) for name in names], factor).astype(np.float32)
    mask = np.ones(planes.shape[1:], np.bool_)
    path = fitting_mask(job.tissue_mask, image.size)
    if path is not None:
        step = max(1, int(factor))
        small = np.concatenate([band[:1, ::step] != 0 for band in read_mask_bands(path, step)])
        mask = resized(small, planes.shape[1], planes.shape[2])
    if not mask.any():
        mask[:] = True
    return Structure(job.modality, names, tuple(structure(planes, mask)), correlations(planes[:, mask]))


def choose_markers(panel: Sequence[PanelChannel], seen: Sequence[Structure]) -> tuple[str, ...]:
    """Up to one nuclear channel and three markers that passed QC, nuclear first.

    Markers measured in more of the sample come first, then those with more structure; one that looks like a marker
    already chosen is passed over while there are others.
    """
    order = [channel for channel in panel if channel.qc_pass] or list(panel)
    rank = {channel.name: (-_share(channel.name, seen), -_score(channel.name, seen)) for channel in order}
    ranked = sorted(order, key=lambda channel: rank[channel.name])
    nuclear = [channel.name for channel in ranked if channel.is_nuclear][:1]
    others = [channel.name for channel in ranked if not channel.is_nuclear]
    chosen: list[str] = []
    for name in others:
        if len(chosen) < len(MARKERS) and all(_alike(name, other, seen) < _REDUNDANT for other in [*nuclear, *chosen]):
            chosen.append(name)
    chosen += [name for name in others if name not in chosen][: len(MARKERS) - len(chosen)]
    return (*nuclear, *chosen)


def with_colors(
    names: Sequence[str], panel: Sequence[PanelChannel], clips: Mapping[str, float]
) -> tuple[ShownChannel, ...]:
    """Names of a composite with their colours and contrast floors; ``clips`` are the cohort's median quantiles."""
    nuclear = {channel.name for channel in panel if channel.is_nuclear}
    blue = next((name for name in names if name in nuclear), None)
    free = iter(MARKERS)
    return tuple(
        ShownChannel(name, NUCLEAR if name == blue else next(free), _NOISE_FLOOR * max(0.0, clips.get(name, 0.0)))
        for name in names
    )


def _share(name: str, seen: Sequence[Structure]) -> float:
    return sum(name in one.channel_names for one in seen) / max(1, len(seen))


def _score(name: str, seen: Sequence[Structure]) -> float:
    scores = [one.score[one.channel_names.index(name)] for one in seen if name in one.channel_names]
    return float(np.median(scores)) if scores else 0.0


def _alike(one: str, other: str, seen: Sequence[Structure]) -> float:
    found = [
        s.r[s.channel_names.index(one), s.channel_names.index(other)]
        for s in seen
        if one in s.channel_names and other in s.channel_names
    ]
    known = [r for r in found if np.isfinite(r)]
    return float(np.median(known)) if known else 0.0
