"""The cohort's tables, written once at the end of a stage by one process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from spora_build.model.channel import Channel, Panel
from spora_build.model.modality import Modality
from spora_build.store.layout import Layout
from spora_build.store.tables import write_table
from spora_build.workflows.dataset.split import with_remembered_split
from spora_build.workflows.planning.plan import Plan, PlannedTissue

FIRST_COLUMNS = ("tissue_id", "dataset", "patient_id", "specimen_id", "modality", "alignment", "mpp")


def tissues_frame(plan: Plan) -> pd.DataFrame:
    """tissues.parquet: one row per (tissue, modality), sorted by tissue then modality."""
    rows = [
        {
            "tissue_id": tissue.tissue_id,
            "dataset": plan.dataset,
            "patient_id": tissue.patient_id,
            "specimen_id": tissue.specimen_id,
            "modality": image.modality.name,
            "alignment": tissue.alignment,
            "mpp": image.native_mpp,
            "split": tissue.split,
            "biopsy_id": tissue.biopsy_id,
            **tissue.metadata.get(image.modality, {}),
        }
        for tissue in plan.tissues
        for image in tissue.images
    ]
    frame = pd.DataFrame.from_records(rows)
    for column in ("split", "biopsy_id"):
        if frame[column].isna().all():
            frame = frame.drop(columns=column)
    for column in frame.columns:
        frame[column] = _typed(frame[column])
    return frame.sort_values(["tissue_id", "modality"], kind="stable").reset_index(drop=True)


def _typed(column: pd.Series[Any]) -> pd.Series[Any]:
    values = [None if pd.isna(value) else value for value in column]
    present = [value for value in values if value is not None]
    if column.name == "mpp" or (present and all(type(value) in (int, float) for value in present)):
        whole = len(present) == len(values) and all(type(value) is int for value in present)
        return pd.Series(values, index=column.index, dtype="int64" if whole and column.name != "mpp" else "float64")
    if present and len(present) == len(values) and all(type(value) is bool for value in present):
        return pd.Series(values, index=column.index, dtype="bool")
    texts = [None if value is None else str(value) for value in values]
    return pd.Series(texts, index=column.index, dtype=pd.StringDtype())


def channels_frame(panel: Panel, empty: Sequence[str]) -> pd.DataFrame:
    """channels.parquet; ``empty`` are the channels that hold nothing in any tissue."""
    return pd.DataFrame(
        {
            "channel_name": _text(channel.name for channel in panel.channels),
            "qc_pass": [_qc_pass(channel, empty) for channel in panel.channels],
            "uniprot_id": _text(channel.uniprot_id for channel in panel.channels),
            "is_nuclear_marker": [channel.is_nuclear_marker for channel in panel.channels],
            "original_channel_name": _text(channel.original_name for channel in panel.channels),
            "description": _text(channel.description for channel in panel.channels),
        }
    ).astype({"qc_pass": bool, "is_nuclear_marker": bool})


def _text(values: Any) -> pd.Series[Any]:
    return pd.Series(list(values), dtype=pd.StringDtype())


def _qc_pass(channel: Channel, empty: Sequence[str]) -> bool:
    return channel.name not in empty if channel.qc_pass is None else channel.qc_pass


def channels_per_tissue_frame(panel: Panel, tissues: Sequence[PlannedTissue]) -> pd.DataFrame:
    """channels_per_tissue.parquet: index tissue_id, one bool column per channel in panel order."""
    measured = {
        tissue.tissue_id: [name in image.channel_names for name in panel.names]
        for tissue in tissues
        for image in tissue.images
        if image.modality == panel.modality
    }
    frame = pd.DataFrame.from_dict(measured, orient="index", columns=list(panel.names), dtype=bool).sort_index()
    frame.index = pd.Index(frame.index, dtype=pd.StringDtype(), name="tissue_id")
    return frame


def write_cohort_tables(layout: Layout, plan: Plan, empty: Mapping[Modality, Sequence[str]]) -> None:
    """Write tissues.parquet and both channel tables of each multiplex modality."""
    write_table(layout.tissues_table, with_remembered_split(layout, tissues_frame(plan)))
    for modality, panel in plan.panels.items():
        write_table(layout.channels_table(modality), channels_frame(panel, empty.get(modality, ())))
        write_table(
            layout.channels_per_tissue_table(modality), channels_per_tissue_frame(panel, plan.tissues), index=True
        )
