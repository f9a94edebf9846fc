"""``panel_<modality>.csv``: which channel is which marker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from spora_build.model.modality import Modality


@dataclass(frozen=True)
class PanelRow:
    """One row of a panel: one channel."""

    row: int
    """Row as a spreadsheet counts: the header is row 1."""
    channel: str
    """As the raw file names it. Empty in all rows of a sheet that counts channels in the file's order."""
    marker: str
    """Name to write. Empty only where ``keep`` is False."""
    uniprot_id: str = ""
    """UniProt accession, upper case; empty where the sheet gives none."""
    is_nuclear_marker: bool | None = None
    """None: the sheet does not say."""
    qc_pass: bool | None = None
    """None: the sheet does not say, the pixels decide."""
    keep: bool = True
    description: str = ""
    metadata: Mapping[str, str | None] = field(default_factory=dict)
    """Every other column, by its snake_case name."""


@dataclass(frozen=True)
class PanelSheet:
    """The panel of one modality."""

    modality: Modality
    file: str
    """Name of the sheet, relative to the raw folder."""
    rows: tuple[PanelRow, ...]
    """In the sheet's order, those not kept too."""
