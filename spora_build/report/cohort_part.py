"""The cohort in numbers: who, how many, of what."""

from __future__ import annotations

from collections import Counter
from typing import Any

from spora_build.report.numbers import area as as_area
from spora_build.report.numbers import count, modality_name
from spora_build.report.values import DatasetLook

NO_SPLIT = "no split"


def summary(dataset: DatasetLook) -> list[dict[str, str]]:
    """The figures at the top: ``value``, ``label`` and, where it helps, ``note``."""
    looks = list(dataset.looks.values())
    patients = {tissue.patient_id for tissue in dataset.tissues if tissue.patient_id}
    images = sum(len(tissue.modalities) for tissue in dataset.tissues)
    area = sum(look.tissue_share * look.height_um * look.width_um / 1e6 for look in looks if look.tissue_share)
    figures = [
        _figure(count(len(patients)), "patients" if len(patients) != 1 else "patient"),
        _figure(count(len(dataset.tissues)), "tissues" if len(dataset.tissues) != 1 else "tissue"),
        _figure(count(images), "images", ", ".join(f"{n} {modality_name(m)}" for m, n in _modalities(dataset).items())),
    ]
    channels = sum(len(panel) for panel in dataset.panels.values())
    if channels:
        passed = sum(channel.qc_pass for panel in dataset.panels.values() for channel in panel)
        figures.append(_figure(count(channels), "channels", f"{count(passed)} passed QC"))
    if any(look.tissue_share is not None for look in looks):
        figures.append(_figure(as_area(area), "of tissue"))
    tiles: Counter[int] = Counter()
    for look in looks:
        for layer in look.tiles:
            tiles[layer.size_px] += layer.count
    if tiles:
        sizes = ", ".join(f"{count(total)} of {side} px" for side, total in sorted(tiles.items()))
        figures.append(_figure(count(tiles.total()), "tiles", sizes))
    cells = [look.cell_count for look in looks if look.cell_count is not None]
    if cells:
        figures.append(_figure(count(sum(cells)), "cells", f"in {count(len(cells))} of {count(len(looks))} tissues"))
    return figures


def _figure(value: str, label: str, note: str = "") -> dict[str, str]:
    return {"value": value, "label": label, "note": note}


def _modalities(dataset: DatasetLook) -> dict[str, int]:
    found = Counter(name for tissue in dataset.tissues for name in tissue.modalities)
    return dict(sorted(found.items()))


def cohort_part(dataset: DatasetLook) -> dict[str, Any]:
    """Counts per modality and split, and per patient."""
    splits = sorted({tissue.split for tissue in dataset.tissues if tissue.split})
    if splits and any(not tissue.split for tissue in dataset.tissues):
        splits.append("")
    by_split = []
    for modality in _modalities(dataset):
        own = [tissue for tissue in dataset.tissues if modality in tissue.modalities]
        by_split.append(
            {
                "modality": modality,
                "counts": [sum(tissue.split == split for tissue in own) for split in splits],
                "tissues": len(own),
                "patients": len({tissue.patient_id for tissue in own if tissue.patient_id}),
            }
        )
    return {
        "splits": [split or NO_SPLIT for split in splits],
        "by_split": by_split,
        "patients": _patients(dataset),
        "shared": _shared_patients(dataset),
    }


def column_parts(dataset: DatasetLook) -> list[dict[str, Any]]:
    """The dataset's tables by their columns: what they hold and how full they are."""
    return [
        {
            "name": table.name,
            "count": table.count,
            "rows": table.columns,
            "has_values": any(column.values for column in table.columns),
        }
        for table in dataset.tables
    ]


def _patients(dataset: DatasetLook) -> list[dict[str, Any]]:
    rows = []
    for patient in sorted({tissue.patient_id for tissue in dataset.tissues if tissue.patient_id}):
        own = [tissue for tissue in dataset.tissues if tissue.patient_id == patient]
        found = Counter(name for tissue in own for name in tissue.modalities)
        rows.append(
            {
                "patient": patient,
                "split": ", ".join(sorted({tissue.split or NO_SPLIT for tissue in own})),
                "tissues": len(own),
                "counts": [found.get(modality, 0) for modality in _modalities(dataset)],
            }
        )
    return rows


def _shared_patients(dataset: DatasetLook) -> int:
    """Patients whose tissues are in more than one split: training would see the test."""
    splits: dict[str, set[str]] = {}
    for tissue in dataset.tissues:
        splits.setdefault(tissue.patient_id, set()).add(tissue.split)
    return sum(len(found) > 1 for patient, found in splits.items() if patient)
