"""A tissue's card in the gallery, its row in the table, and what its own view shows."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

from spora_build.report.charts import bars_text, field_height, outline_path, tiles_path
from spora_build.report.numbers import area, count, length, modality_name, number, percent, signed
from spora_build.report.suspicion import OUTLIER_Z, Suspicion, is_brightfield
from spora_build.report.values import ChannelNumbers, CohortTissue, DatasetLook, ModalityLook, Picture, TissueLook

Z = Mapping[str, Mapping[tuple[str, str], float]]


def data_uri(picture: Picture | None) -> str | None:
    """The picture itself as a link."""
    if picture is None:
        return None
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"


def short_id(dataset: DatasetLook, tissue_id: str) -> str:
    """A tissue's id without the dataset's name."""
    return tissue_id.removeprefix(f"{dataset.name}_")


def card(dataset: DatasetLook, tissue: CohortTissue, suspicions: tuple[Suspicion, ...]) -> dict[str, Any]:
    """Values of the gallery's card and of the table's row; numbers beside their texts for sorting."""
    look = dataset.looks.get(tissue.tissue_id)
    checks = [s for s in suspicions if not s.is_note]
    best = max((layer for layer in look.tiles), key=lambda layer: layer.count, default=None) if look else None
    mm2 = _area_mm2(look)
    return {
        "id": tissue.tissue_id,
        "short": short_id(dataset, tissue.tissue_id),
        "patient": tissue.patient_id,
        "split": tissue.split,
        "modalities": tissue.modalities,
        "field": f"{length(look.width_um)} × {length(look.height_um)}" if look and look.width_um else "–",
        "area": mm2,
        "area_text": area(mm2),
        "share": look.tissue_share if look else None,
        "tiles": best.count if best else None,
        "tiles_label": best.label if best else "",
        "coverage": best.coverage if best else None,
        "cells": look.cell_count if look else None,
        "checks": len(checks),
        "notes": len(suspicions) - len(checks),
        "worst": checks[0].text if checks else "",
        "pictures": [_picture(dataset, tissue, seen) for seen in look.modalities if seen.overview] if look else [],
        "height": field_height(look.height_um, look.width_um) if look else 1000,
    }


def _area_mm2(look: TissueLook | None) -> float | None:
    if look is None or look.tissue_share is None:
        return None
    return look.tissue_share * look.height_um * look.width_um / 1e6


def _picture(dataset: DatasetLook, tissue: CohortTissue, seen: ModalityLook) -> dict[str, Any]:
    assert seen.overview is not None
    return {
        "modality": seen.modality,
        "bright": is_brightfield(seen.modality),
        "uri": data_uri(seen.overview),
        "width": seen.overview.width_px,
        "height": seen.overview.height_px,
        "alt": _alt(dataset, tissue, seen, "Overview"),
    }


def _alt(dataset: DatasetLook, tissue: CohortTissue, seen: ModalityLook, what: str) -> str:
    shown = ", ".join(f"{entry.channel}" for entry in seen.legend)
    of = f" of {shown}" if shown else ""
    return f"{what} of tissue {short_id(dataset, tissue.tissue_id)}, {modality_name(seen.modality)}{of}"


def record(dataset: DatasetLook, tissue: CohortTissue, suspicions: tuple[Suspicion, ...], z: Z) -> dict[str, Any]:
    """What the tissue's own view shows, as the page's script reads it."""
    look = dataset.looks.get(tissue.tissue_id)
    common = {
        "short": short_id(dataset, tissue.tissue_id),
        "patient": tissue.patient_id,
        "split": tissue.split,
        "see": [[s.text, int(s.is_note)] for s in suspicions],
    }
    if look is None:
        return common
    height = field_height(look.height_um, look.width_um)
    drawn = [p for seen in look.modalities for p in (seen.edges, seen.detail_edges)]
    lines = list(dict.fromkeys(data_uri(picture) for picture in drawn if picture))  # registered images share them
    return {
        **common,
        "h": height,
        "um": look.width_um,
        "facts": [
            ["Field", f"{length(look.width_um)} × {length(look.height_um)}"],
            ["Tissue", f"{percent(look.tissue_share)} of the field"],
            *([["Cells", count(look.cell_count)]] if look.cell_count is not None else []),
            *[
                [f"Tiles, {layer.label}", f"{count(layer.count)}, {percent(layer.coverage)} of the tissue"]
                for layer in look.tiles
            ],
        ],
        "outline": outline_path(look.outline, height),
        "tiles": [
            {"label": layer.label, "n": layer.count, "shown": len(layer.corners), "d": tiles_path(layer, height)}
            for layer in look.tiles
        ],
        "lines": lines,
        "mods": [_modality(dataset, tissue, seen, z.get(seen.modality, {}), lines) for seen in look.modalities],
    }


def _modality(
    dataset: DatasetLook,
    tissue: CohortTissue,
    seen: ModalityLook,
    z: Mapping[tuple[str, str], float],
    lines: Sequence[str | None],
) -> dict[str, Any]:
    mpps = ", ".join(f"{mpp:g}" for mpp in seen.mpps)
    counted = "all" if seen.counted_share > 0.999 else percent(seen.counted_share)
    return {
        "key": seen.modality,
        "name": modality_name(seen.modality),
        "bright": int(is_brightfield(seen.modality)),
        "about": f"{count(seen.width_px)} × {count(seen.height_px)} px at {seen.mpps[0]:g} µm, {seen.dtype};"
        f" stored at {mpps} µm per pixel",
        "basis": f"Intensities of {counted} of the tissue's pixels at {seen.read_mpp:g} µm.",
        "legend": [[e.channel, e.color, f"{number(e.low)} to {number(e.high)}"] for e in seen.legend],
        "edges": lines.index(data_uri(seen.edges)) if seen.edges else None,
        "detail": data_uri(seen.detail),
        "detailAlt": _alt(dataset, tissue, seen, "Detail"),
        "detailEdges": lines.index(data_uri(seen.detail_edges)) if seen.detail_edges else None,
        "detailUm": round(seen.detail.width_px * seen.detail_um_per_px, 1) if seen.detail else 0,
        "rows": [_channel(channel, z.get((tissue.tissue_id, channel.name))) for channel in seen.channels],
    }


def _channel(channel: ChannelNumbers, z: float | None) -> list[Any]:
    """Name, bars, place of the clip (0–1 or −1), p1, median, p99, maximum, clip, zeros, at top, z, is far, is empty."""
    place = -1.0
    if channel.clip is not None and math.isfinite(channel.clip) and channel.stop > channel.start:
        place = round((channel.clip - channel.start) / (channel.stop - channel.start), 3)
    return [
        channel.name,
        bars_text(channel.bars),
        place if 0 <= place <= 1 else -1,
        number(channel.low),
        number(channel.median),
        number(channel.high),
        number(channel.maximum),
        number(channel.clip),
        percent(channel.zero_share),
        percent(channel.top_share),
        signed(z, 1),
        int(z is not None and abs(z) > OUTLIER_Z),
        int(channel.is_empty),
    ]
