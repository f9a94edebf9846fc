"""What passes between the parent and the workers of the cells stage: small and picklable."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from spora_build.errors import Problem
from spora_build.model.geometry import Size
from spora_build.model.modality import Modality
from spora_build.model.report import Outcome
from spora_build.submission.settings_types import Cells
from spora_build.workflows.planning.cell_columns import CellColumn, CellTask


@dataclass(frozen=True)
class CellsInput:
    """Where the cells of one tissue come from."""

    mask: Path = field(repr=False)
    shown_name: str = ""
    """How the mask may be called in messages."""
    mask_mpp: float | None = None
    """Pixel size that the contributor declares."""
    keeps_labels: bool = True
    """Whether somebody knows the cells by the labels of the mask as it came."""
    natives: tuple[tuple[float, Size], ...] = ()
    """Pixel size and size of the tissue's raw images, on any of which the mask may lie; first that of
    the row that names the mask."""


@dataclass(frozen=True)
class CellsJob:
    """The cells of one tissue."""

    root: Path
    tissue_id: str
    images: tuple[tuple[Modality, float], ...]
    """Every stored image of the tissue: modality and mpp."""
    measured: tuple[tuple[Modality, float, tuple[str, ...]], ...]
    """Multiplex images to measure in: modality, mpp, and the column of each channel."""
    source: CellsInput
    rules: Cells
    annotations: Path | None
    """Parquet of cell_id and ``columns``, private; None where nobody annotated the tissue."""
    has_labels: bool
    """Whether annotations name cells by label; where not, by the place of their centre."""
    unit: Literal["px", "um"] | None
    """Of the centres in the annotations, where they have any."""
    columns: tuple[CellColumn, ...]
    tasks: tuple[CellTask, ...]
    part: Path
    """Where this tissue's rows of cells.parquet go."""


@dataclass(frozen=True)
class Reconciliation:
    """Which cells the mask and the table have."""

    tissue_id: str
    both: int = 0
    mask_only: int = 0
    table_only: int = 0


@dataclass(frozen=True)
class CellsOutcome:
    """How the cells of a tissue went."""

    outcome: Outcome
    reconciliation: Reconciliation
    problems: tuple[Problem, ...] = ()
