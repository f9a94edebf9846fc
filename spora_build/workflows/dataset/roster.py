"""Who is in a dataset while it is built: a tissue stands in ``metadata/tissues.parquet`` when all of it is done.

A build works with a table of its own in the private folder. A published tissue that is to be redone is taken out of
the public table before its first file is touched, and comes back with all others when the build has ended: whoever
reads the dataset meanwhile, or after a crash, finds each tissue whole or not at all.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pyarrow as pa

from spora_build.errors import EnvironmentFaultError, Place, Problem
from spora_build.model.modality import Modality
from spora_build.model.names import PATIENT_ID
from spora_build.store.atomic import remove
from spora_build.store.columns import bool_column
from spora_build.store.layout import Layout
from spora_build.store.pandas_schema import index_field
from spora_build.store.seal import seal_table
from spora_build.store.tables import read_table, write_table

ROSTER_FILE = "building.parquet"


def open_roster(layout: Layout) -> Layout:
    """The same dataset, with the build's own table of tissues."""
    return replace(layout, roster=layout.private / ROSTER_FILE)


def published(layout: Layout) -> frozenset[str]:
    """Tissue ids of the public table; none where it is missing or damaged."""
    path = replace(layout, roster=None).tissues_table
    if seal_table(path) is None:
        return frozenset()
    return frozenset(str(tissue) for tissue in read_table(path)["tissue_id"].to_pylist())


def standing_patients(layout: Layout) -> frozenset[str]:
    """Patient ids that a dataset has given out: of the public table, and of images that stand without it."""
    places = [(modality, mpp) for modality in layout.find_modalities() for mpp in layout.find_resolutions(modality)]
    tissues = {*published(layout), *(tissue for place in places for tissue in layout.find_images(*place))}
    parts = [tissue.split("_") for tissue in tissues]
    return frozenset(part[1] for part in parts if len(part) == 3 and PATIENT_ID.match(part[1]))


def withdraw(layout: Layout, tissues: Collection[str]) -> None:
    """Take tissues that are about to change out of the public table. Nothing happens where no build has a roster."""
    if layout.roster is None or published(layout).isdisjoint(tissues):
        return
    path = replace(layout, roster=None).tissues_table
    write_table(path, _without(read_table(path), tissues))


def strike(layout: Layout, tissues: Collection[str]) -> None:
    """Take tissues that failed off the roster and out of the channel tables; later stages do without them."""
    if layout.roster is None or not tissues:
        return
    write_table(layout.tissues_table, _without(read_table(layout.tissues_table), tissues))
    for modality in layout.find_modalities():
        path = layout.channels_per_tissue_table(modality)
        if path.is_file():
            measured = read_table(path)
            write_table(path, _without(measured, tissues, index_field(measured) or "tissue_id"))


def _without(table: pa.Table, tissues: Collection[str], ids: str = "tissue_id") -> pa.Table:
    """The rows of other tissues; the column ``ids`` says which these are."""
    gone = frozenset(tissues)
    return table.filter(bool_column([tissue not in gone for tissue in table[ids].to_pylist()]))


def publish(layout: Layout) -> None:
    """Put the roster in the place of the public table: every tissue on it is complete.

    Raises EnvironmentFaultError where somebody took images away meanwhile.
    """
    if layout.roster is None or not layout.roster.is_file():
        return
    table = read_table(layout.roster)
    gone = {
        tissue
        for tissue, name in zip(table["tissue_id"].to_pylist(), table["modality"].to_pylist(), strict=True)
        if not _has_image(layout, Modality(name), tissue)
    }
    if gone:
        raise EnvironmentFaultError(
            Problem(
                "E-ENV-022",
                f"images of {len(gone)} tissues disappeared from the dataset while it was built: was its folder moved?",
                "put the folder back, or remove what is left of it; then run the same command again.",
                Place(file=layout.name),
            )
        )
    write_table(replace(layout, roster=None).tissues_table, table)
    remove(layout.roster)


def _has_image(layout: Layout, modality: Modality, tissue_id: str) -> bool:
    return any(layout.image(modality, mpp, tissue_id).exists() for mpp in layout.find_resolutions(modality))
