"""``tissues.csv``: which image is which patient's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from spora_build.model.modality import Modality


@dataclass(frozen=True)
class ImageRow:
    """One row of tissues.csv: one image of one tissue."""

    row: int
    """Row as a spreadsheet counts: the header is row 1."""
    image: str
    """Path relative to the raw folder, with ``/``."""
    path: Path = field(repr=False)
    """Absolute path of an existing file or folder inside the raw folder."""
    patient: str = field(repr=False)
    """Raw patient identifier: never leaves the contributor's machine."""
    modality: Modality
    series: int | str | None = None
    """Which acquisition of the file: its name, or its position counted from 0. None: the only one."""
    tissue: str | None = field(default=None, repr=False)
    """Rows with the same text are one registered tissue."""
    biopsy: str | None = field(default=None, repr=False)
    mpp: float | None = None
    """Pixel size in µm that goes before what the file says."""
    cell_mask: Path | None = field(default=None, repr=False)
    tissue_mask: Path | None = field(default=None, repr=False)
    split: Literal["train", "test"] | None = None
    alignment: Literal["exact", "no alignment"] | None = None
    metadata: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    """Every other column, by its snake_case name; the same keys in every row."""
