"""Channels across the cohort: how each one is spread, which look alike, and which tissue has which."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from spora_build.report.charts import log_axis, strip_path
from spora_build.report.numbers import number, signed
from spora_build.report.suspicion import ALIKE_R, OUTLIER_Z, alike_pairs, level
from spora_build.report.tissue_part import short_id
from spora_build.report.values import ChannelNumbers, DatasetLook, PanelChannel

STRIP_WIDTH = 240
_MOST_PAIRS = 40
Z = Mapping[str, Mapping[tuple[str, str], float]]


def panel_parts(dataset: DatasetLook, z: Z) -> list[dict[str, Any]]:
    """A part for each multiplex modality."""
    return [_part(dataset, modality, panel, z.get(modality, {})) for modality, panel in dataset.panels.items()]


def _part(
    dataset: DatasetLook, modality: str, panel: tuple[PanelChannel, ...], z: Mapping[tuple[str, str], float]
) -> dict[str, Any]:
    seen: dict[str, dict[str, ChannelNumbers]] = {}
    for tissue_id, look in dataset.looks.items():
        for one in look.modalities:
            if one.modality == modality:
                seen[tissue_id] = {channel.name: channel for channel in one.channels}
    every = [level(modality, channel) for row in seen.values() for channel in row.values() if not channel.is_empty]
    axis = log_axis(every)
    pairs = alike_pairs(dataset, modality)
    shown = {channel: at for at, channel in enumerate(dataset.markers.get(modality, ()))}
    return {
        "modality": modality,
        "axis": None if axis is None else [number(10 ** axis[0]), number(10 ** axis[1])],
        "width": STRIP_WIDTH,
        "channels": [_channel(modality, channel, seen, z, axis, channel.name in shown) for channel in panel],
        "pairs": [{"pair": pair, "tissues": many, "strong": pair.r >= ALIKE_R} for pair, many in pairs[:_MOST_PAIRS]],
        "more_pairs": max(0, len(pairs) - _MOST_PAIRS),
        "tissues": len(seen),
        "matrix": [_row(dataset, tissue_id, panel, seen[tissue_id], z) for tissue_id in sorted(seen)],
    }


def _channel(
    modality: str,
    channel: PanelChannel,
    seen: Mapping[str, Mapping[str, ChannelNumbers]],
    z: Mapping[tuple[str, str], float],
    axis: tuple[float, float] | None,
    is_shown: bool,
) -> dict[str, Any]:
    own = {tissue_id: row[channel.name] for tissue_id, row in seen.items() if channel.name in row}
    levels = {tissue_id: level(modality, numbers) for tissue_id, numbers in own.items() if not numbers.is_empty}
    far = {tissue_id for tissue_id in levels if abs(z.get((tissue_id, channel.name), 0.0)) > OUTLIER_Z}
    usual = [value for tissue_id, value in levels.items() if tissue_id not in far]
    return {
        "channel": channel,
        "shown": is_shown,
        "measured": len(own),
        "empty": sum(numbers.is_empty for numbers in own.values()),
        "median": median(levels.values()) if levels else None,
        "outliers": len(far),
        "strip": "" if axis is None else strip_path(usual, axis, STRIP_WIDTH, 4, 16),
        "strip_far": "" if axis is None else strip_path([levels[t] for t in far], axis, STRIP_WIDTH, 1, 19),
    }


def _row(
    dataset: DatasetLook,
    tissue_id: str,
    panel: tuple[PanelChannel, ...],
    own: Mapping[str, ChannelNumbers],
    z: Mapping[tuple[str, str], float],
) -> dict[str, Any]:
    cells = []
    for channel in panel:
        numbers, value = own.get(channel.name), z.get((tissue_id, channel.name))
        if numbers is None:
            cells.append(("n", "–"))
        elif numbers.is_empty:
            cells.append(("e", "∅"))
        elif value is None:
            cells.append(("m", "●"))
        else:
            cells.append((_class(value), signed(value, 0)))
    return {"id": tissue_id, "short": short_id(dataset, tissue_id), "cells": cells}


def _class(z: float) -> str:
    """``a`` to ``c`` above the cohort, ``x`` to ``z`` below, ``m`` in the middle."""
    size = abs(z)
    if size <= 1.5:
        return "m"
    step = 0 if size <= 2.5 else 1 if size <= OUTLIER_Z else 2
    return "abc"[step] if z > 0 else "xyz"[step]
