"""What a curator should look at twice: empty and saturated channels, look-alikes, tissues unlike the others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from spora_build.report.numbers import modality_name, signed
from spora_build.report.values import ChannelNumbers, DatasetLook, ModalityLook, Pair, TissueLook

OUTLIER_Z = 3.5
"""Iglewicz and Hoaglin's limit for modified z-scores (How to Detect and Handle Outliers, 1993)."""
LEAST_TISSUES = 5
"""Fewer tissues say nothing about what is usual."""
_LEAST_SPREAD = 0.05
"""Natural logarithm: differences of five per cent are never outliers, however alike the others are."""
_OUTLIER_SHARE = 0.25
_NEARLY_EMPTY = 0.999
_SATURATED = 0.001
_LITTLE_TISSUE = 0.02
_LOW_COVERAGE = 0.5
ALIKE_R = 0.9
_MOST_PAIRS = 3
"""Look-alikes that a tissue names; the part about channels has more of them."""


@dataclass(frozen=True)
class Suspicion:
    """One thing to look at in one tissue."""

    kind: str
    """``empty``, ``saturated``, ``alike``, ``outlier``, ``tissue``, ``tiles``, ``unreadable``, ``absent``."""
    text: str
    is_note: bool = False
    """A note tells; anything else asks for a look."""


def level(modality: str, channel: ChannelNumbers) -> float:
    """The number that stands for a channel's intensity: its clipping quantile (brightfield: the median)."""
    if is_brightfield(modality):
        return channel.median
    return channel.high if channel.clip is None else channel.clip


def is_brightfield(modality: str) -> bool:
    """Whether pictures of the modality are red, green and blue light."""
    return modality == "he" or modality.startswith("ihc_")


def robust_z(levels: Sequence[float]) -> list[float | None]:
    """Modified z-scores of the logarithms: 0.6745 (x − median) / MAD. None for what is not above zero.

    All None where fewer than five are above zero. The spread is at least 5 %.
    """
    logs = [math.log(value) if math.isfinite(value) and value > 0 else None for value in levels]
    known = [value for value in logs if value is not None]
    if len(known) < LEAST_TISSUES:
        return [None] * len(logs)
    middle = median(known)
    spread = max(median(abs(value - middle) for value in known), 0.6745 * _LEAST_SPREAD)
    return [None if value is None else 0.6745 * (value - middle) / spread for value in logs]


def channel_z(dataset: DatasetLook, modality: str) -> dict[tuple[str, str], float]:
    """z of every (tissue, channel) of a modality that has one: how unusual its intensity is in the cohort."""
    levels: dict[str, list[tuple[str, float]]] = {}
    for tissue_id, look in dataset.looks.items():
        for seen in look.modalities:
            if seen.modality == modality:
                for channel in seen.channels:
                    if not channel.is_empty:
                        levels.setdefault(channel.name, []).append((tissue_id, level(modality, channel)))
    found: dict[tuple[str, str], float] = {}
    for name, row in levels.items():
        for (tissue_id, _), z in zip(row, robust_z([value for _, value in row]), strict=True):
            if z is not None:
                found[tissue_id, name] = z
    return found


def find_suspicions(
    dataset: DatasetLook, z: Mapping[str, Mapping[tuple[str, str], float]]
) -> dict[str, tuple[Suspicion, ...]]:
    """By tissue id, for every tissue of the dataset; ``z`` is :func:`channel_z` of each modality."""
    return {tissue.tissue_id: tuple(_of_tissue(dataset, tissue.tissue_id, z)) for tissue in dataset.tissues}


def _of_tissue(
    dataset: DatasetLook, tissue_id: str, z: Mapping[str, Mapping[tuple[str, str], float]]
) -> Iterator[Suspicion]:
    for text in dataset.failures.get(tissue_id, ()):
        yield Suspicion("unreadable", text)
    look = dataset.looks.get(tissue_id)
    if look is None:
        if tissue_id not in dataset.failures:
            yield Suspicion("absent", "no image of it is here")
        return
    for text in look.problems:
        yield Suspicion("unreadable", text)
    yield from _of_masks(look)
    for seen in look.modalities:
        panel = dataset.panels.get(seen.modality, ())
        good = {channel.name for channel in panel if channel.qc_pass} or {c.name for c in seen.channels}
        nuclear = {channel.name for channel in panel if channel.is_nuclear}
        yield from _of_channels(seen, good)
        yield from _alike(seen, good, nuclear)
        yield from _outliers(seen, good, {c: v for (t, c), v in z.get(seen.modality, {}).items() if t == tissue_id})


def _of_masks(look: TissueLook) -> Iterator[Suspicion]:
    if look.tissue_share is not None and look.tissue_share < _LITTLE_TISSUE:
        yield Suspicion("tissue", f"only {look.tissue_share:.1%} of the field is tissue")
    if look.tiles and not any(layer.count for layer in look.tiles):
        yield Suspicion("tiles", "no tile of any size fits")
    for layer in look.tiles:
        if layer.count and layer.coverage is not None and layer.coverage < _LOW_COVERAGE:
            yield Suspicion("tiles", f"tiles of {layer.label} cover only {layer.coverage:.0%} of the tissue")


def _of_channels(seen: ModalityLook, good: set[str]) -> Iterator[Suspicion]:
    channels = [channel for channel in seen.channels if channel.name in good]
    empty = [channel.name for channel in channels if channel.is_empty]
    if empty:
        yield Suspicion("empty", f"{_modality(seen)}: {_names(empty)} {_be(empty)} empty")
    faint = [c.name for c in channels if not c.is_empty and c.zero_share >= _NEARLY_EMPTY]
    if faint:
        yield Suspicion("empty", f"{_modality(seen)}: {_names(faint)} {_be(faint)} zero in 99.9 % of the tissue")
    if is_brightfield(seen.modality):
        return  # white glass and pale stain are at the top of the range by nature
    for channel in channels:
        if channel.top_share >= _SATURATED and not channel.is_empty:
            share = f"{channel.top_share:.1%} of the tissue is at the detector's maximum ({channel.maximum:g})"
            yield Suspicion("saturated", f"{_modality(seen)}: {channel.name} is saturated: {share}")


def _alike(seen: ModalityLook, good: set[str], nuclear: set[str]) -> Iterator[Suspicion]:
    if is_brightfield(seen.modality):
        return
    alike = [
        pair
        for pair in seen.pairs
        if pair.r >= ALIKE_R and {pair.first, pair.second} <= good and not {pair.first, pair.second} <= nuclear
    ]
    for pair in alike[:_MOST_PAIRS]:
        text = f"{pair.first} and {pair.second} look alike (r = {pair.r:.2f})"
        yield Suspicion("alike", f"{_modality(seen)}: {text}")
    if len(alike) > _MOST_PAIRS:
        yield Suspicion("alike", f"{_modality(seen)}: {len(alike) - _MOST_PAIRS} more pairs look alike")


def _outliers(seen: ModalityLook, good: set[str], z: Mapping[str, float]) -> Iterator[Suspicion]:
    known = {name: value for name, value in z.items() if name in good}
    far = {name: value for name, value in known.items() if abs(value) > OUTLIER_Z}
    if not far:
        return
    named = sorted(far, key=lambda name: -abs(far[name]))
    text = ", ".join(
        f"{name} ({'brighter' if far[name] > 0 else 'dimmer'}, z = {signed(far[name], 1)})" for name in named[:4]
    )
    more = f" and {len(named) - 4} more" if len(named) > 4 else ""
    is_tissue = len(far) >= _OUTLIER_SHARE * len(known)
    begin = "unlike the other tissues" if is_tissue else "unusual intensity"
    yield Suspicion("outlier", f"{_modality(seen)}: {begin}: {text}{more}", is_note=not is_tissue)


def alike_pairs(dataset: DatasetLook, modality: str) -> list[tuple[Pair, int]]:
    """Pairs of channels that look alike in some tissue: (pair with its median r over those, how many), worst first."""
    nuclear = {channel.name for channel in dataset.panels.get(modality, ()) if channel.is_nuclear}
    found: dict[tuple[str, str], list[float]] = {}
    for look in dataset.looks.values():
        for seen in look.modalities:
            if seen.modality == modality:
                for pair in seen.pairs:
                    if not {pair.first, pair.second} <= nuclear:
                        found.setdefault((pair.first, pair.second), []).append(pair.r)
    pairs = [(Pair(*names, round(median(r), 3)), len(r)) for names, r in found.items()]
    return sorted(pairs, key=lambda one: (-one[1], -one[0].r, one[0].first, one[0].second))


def _modality(seen: ModalityLook) -> str:
    """The modality as people write it."""
    return modality_name(seen.modality)


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _be(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
