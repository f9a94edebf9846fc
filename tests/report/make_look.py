"""A report's values made by hand, for tests that need no dataset."""

from __future__ import annotations

import io
from dataclasses import replace

from PIL import Image

from spora_build.report.values import (
    ChannelNumbers,
    CohortTissue,
    DatasetLook,
    FoundIssue,
    LegendEntry,
    ModalityLook,
    PanelChannel,
    Picture,
    TileLayer,
    TissueLook,
    Validation,
)

NAME = "smith2023novel"


def picture(color: str = "navy") -> Picture:
    buffer = io.BytesIO()
    Image.new("RGB", (80, 60), color).save(buffer, "WEBP")
    return Picture("image/webp", buffer.getvalue(), 80, 60)


def channel(name: str, clip: float | None = 100.0, **changes: object) -> ChannelNumbers:
    base = ChannelNumbers(
        name=name,
        low=1.0,
        median=20.0,
        high=95.0,
        maximum=300.0,
        zero_share=0.1,
        top_share=0.0,
        is_empty=False,
        start=0.0,
        stop=120.0,
        bars=(50, 10, 5, 0, 1),
        clip=clip,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def modality(name: str, channels: tuple[ChannelNumbers, ...], **changes: object) -> ModalityLook:
    base = ModalityLook(
        modality=name,
        read_mpp=1.0,
        mpps=(0.5, 1.0),
        height_px=600,
        width_px=800,
        dtype="uint16",
        counted_share=1.0,
        channels=channels,
        overview=picture(),
        detail=picture("teal"),
        detail_um_per_px=0.5,
        legend=() if name == "he" else (LegendEntry("DAPI", "#406cff", 0.0, 90.0),),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def tissue_id(at: int) -> str:
    return f"{NAME}_{'abcdefgh'[at % 8] * 8}_{at // 8:04d}"


def tissue(at: int, *modalities: ModalityLook, **changes: object) -> TissueLook:
    base = TissueLook(
        tissue_id=tissue_id(at),
        height_um=300.0,
        width_um=400.0,
        tissue_share=0.5,
        outline=(((0.1, 0.1), (0.1, 0.9), (0.9, 0.9), (0.9, 0.1), (0.1, 0.1)),),
        cell_count=10 * at + 3,
        modalities=modalities,
        tiles=(TileLayer(1.0, "default", 128, at + 1, 0.9, ((0.0, 0.0), (0.5, 0.5)), 0.4, 0.3),),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def dataset(*looks: TissueLook, **changes: object) -> DatasetLook:
    base = DatasetLook(
        name=NAME,
        version="1.2.3",
        tissues=tuple(
            CohortTissue(
                look.tissue_id,
                look.tissue_id.split("_")[1],
                "test" if at % 3 == 2 else "train",
                tuple(sorted(one.modality for one in look.modalities)),
            )
            for at, look in enumerate(looks)
        ),
        looks={look.tissue_id: look for look in looks},
        panels={"codex": (PanelChannel("DAPI", "", True, True), PanelChannel("CD3E", "P07766", False, True))},
        markers={"codex": ("DAPI", "CD3E")},
        validation=Validation((), 40, 0, 3, False),
        provenance=(("Report made by", "spora-build 1.2.3"),),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def usual(count: int = 8) -> DatasetLook:
    """Tissues that differ a little, CODEX and H&E."""
    looks = []
    for at in range(count):
        channels = (channel("DAPI", 100.0 + at), channel("CD3E", 50.0 + 2 * at))
        rgb = tuple(channel(name, None, median=180.0 + at) for name in "RGB")
        looks.append(tissue(at, modality("codex", channels), modality("he", rgb, dtype="uint8")))
    return dataset(*looks)


ISSUE = FoundIssue("V001", "error", "There is <one> `rule`.", "Run `spora-build <x>`.", 30, ("metadata: <b>",))
