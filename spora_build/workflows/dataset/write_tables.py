"""The cohort's tables, written once at the end of a stage by one process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from spora_build.model.channel import Channel, Panel
from spora_build.model.modality import Modality
from spora_build.store.columns import bool_column, float_column, int_column, text_column
from spora_build.store.layout import Layout
from spora_build.store.pandas_schema import as_table
from spora_build.store.tables import write_table
from spora_build.workflows.dataset.remembered_split import read_split
from spora_build.workflows.planning.plan import Plan, PlannedTissue


def tissues_table(plan: Plan, remembered: Mapping[str, str]) -> pa.Table:
    """tissues.parquet: one row per (tissue, modality), sorted by tissue then modality.

    ``remembered`` is the split that was drawn before, by patient; a sheet's own goes before it.
    """
    rows: list[dict[str, Any]] = [
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
    rows.sort(key=lambda row: (row["tissue_id"], row["modality"]))
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    if remembered and _is_empty(columns["split"]):
        columns["split"] = [remembered.get(row["patient_id"]) for row in rows]
    elif _is_empty(columns["split"]):
        del columns["split"]
    if _is_empty(columns["biopsy_id"]):
        del columns["biopsy_id"]
    return as_table({name: _typed(name, values) for name, values in columns.items()})


def _is_empty(values: Sequence[object]) -> bool:
    return all(value is None for value in values)


def _typed(name: str, values: Sequence[Any]) -> pa.Array:
    present = [value for value in values if value is not None]
    is_full = len(present) == len(values)
    kinds = {type(value) for value in present}
    if name == "mpp" or kinds in ({int}, {float}, {int, float}):
        return int_column(values) if is_full and kinds == {int} and name != "mpp" else float_column(values)
    if is_full and kinds == {bool}:
        return bool_column(values)
    return text_column(None if value is None else str(value) for value in values)


def channels_table(panel: Panel, empty: Sequence[str]) -> pa.Table:
    """channels.parquet; ``empty`` are the channels that hold nothing in any tissue."""
    return as_table(
        {
            "channel_name": text_column(channel.name for channel in panel.channels),
            "qc_pass": bool_column([_qc_pass(channel, empty) for channel in panel.channels]),
            "uniprot_id": text_column(channel.uniprot_id for channel in panel.channels),
            "is_nuclear_marker": bool_column([channel.is_nuclear_marker for channel in panel.channels]),
            "original_channel_name": text_column(channel.original_name for channel in panel.channels),
            "description": text_column(channel.description for channel in panel.channels),
        }
    )


def _qc_pass(channel: Channel, empty: Sequence[str]) -> bool:
    return channel.name not in empty if channel.qc_pass is None else channel.qc_pass


def channels_per_tissue_table(panel: Panel, tissues: Sequence[PlannedTissue]) -> pa.Table:
    """channels_per_tissue.parquet: index tissue_id, one bool column per channel in panel order."""
    measured = {
        tissue.tissue_id: frozenset(image.channel_names)
        for tissue in tissues
        for image in tissue.images
        if image.modality == panel.modality
    }
    ids = sorted(measured)
    columns = {name: bool_column([name in measured[tissue] for tissue in ids]) for name in panel.names}
    return as_table(columns, index=("tissue_id", text_column(ids)))


def write_cohort_tables(layout: Layout, plan: Plan, empty: Mapping[Modality, Sequence[str]]) -> None:
    """Write tissues.parquet and both channel tables of each multiplex modality."""
    write_table(layout.tissues_table, tissues_table(plan, read_split(layout)))
    for modality, panel in plan.panels.items():
        write_table(layout.channels_table(modality), channels_table(panel, empty.get(modality, ())))
        write_table(layout.channels_per_tissue_table(modality), channels_per_tissue_table(panel, plan.tissues))
