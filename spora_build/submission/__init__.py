"""The contributor's raw folder: sheets, panels, clinical table, settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spora_build.errors import Problem
from spora_build.model.modality import Modality
from spora_build.submission.cells_table import CellsTable
from spora_build.submission.clinical import ClinicalTable
from spora_build.submission.panel import PanelRow, PanelSheet
from spora_build.submission.settings import Settings, load_settings
from spora_build.submission.tissues import ImageRow

__all__ = [
    "CellsTable",
    "ClinicalTable",
    "ImageRow",
    "PanelRow",
    "PanelSheet",
    "Settings",
    "Submission",
    "load_settings",
    "read_submission",
]


@dataclass(frozen=True)
class Submission:
    """Everything a contributor wrote down about a raw folder, read and checked."""

    root: Path
    images: tuple[ImageRow, ...]
    """In the order of tissues.csv. Rows that cannot be understood are left out: ``problems`` says which."""
    panels: Mapping[Modality, PanelSheet]
    clinical: ClinicalTable | None
    cells: CellsTable | None
    settings: Settings
    problems: tuple[Problem, ...] = field(default_factory=tuple)


def read_submission(root: Path, overrides: Mapping[str, object] | None = None) -> Submission:
    """Read every sheet of a raw folder and collect every problem; bad content never raises.

    ``overrides`` are settings from flags, see :func:`load_settings`. Raises UsageError where there is no such folder.
    """
    raise NotImplementedError
