"""The contributor's raw folder: sheets, panels, clinical table, settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spora_build.errors import Place, Problem, UsageError
from spora_build.model.modality import Modality
from spora_build.submission.cells_table import CellsTable, read_cells
from spora_build.submission.clinical import ClinicalTable, read_clinical
from spora_build.submission.infer import infer_column
from spora_build.submission.panel import PanelRow, PanelSheet, read_panels
from spora_build.submission.problems import problem
from spora_build.submission.settings import Settings, load_settings
from spora_build.submission.spelling import closest
from spora_build.submission.tissues import ImageRow, read_tissues

__all__ = [
    "CellsTable",
    "ClinicalTable",
    "ImageRow",
    "PanelRow",
    "PanelSheet",
    "Settings",
    "Submission",
    "infer_column",
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
    if not root.is_dir():
        raise UsageError(
            Problem(
                "E-SUB-001",
                "there is no such folder.",
                "name the folder that holds the images and tissues.csv.",
                Place(file=root.name),
            )
        )
    settings, problems = load_settings(root, overrides or {})
    images, found = read_tissues(root)
    problems += found
    panels, found = read_panels(root, {image.modality for image in images})
    problems += found
    clinical, clinical_problems = read_clinical(root, images)
    cells, cells_problems = read_cells(root, images, settings.cells.table)
    problems += [*clinical_problems, *cells_problems]
    columns: dict[str, Collection[str]] = {}
    if images:
        columns["tissues"] = {"patient", "biopsy", "tissue", *images[0].metadata}
    if clinical is not None or not clinical_problems:
        columns["clinical"] = clinical.columns if clinical else ()
    if cells is not None or not cells_problems:
        columns["cells"] = cells.columns if cells else ()
    problems += _settings_without_column(settings, columns)
    return Submission(root, images, panels, clinical, cells, settings, tuple(problems))


def _settings_without_column(settings: Settings, columns: Mapping[str, Collection[str]]) -> list[Problem]:
    """Decisions about columns that no table has: most often a slip of the pen, and then nobody decided.

    ``columns`` has the tables that could be read, and an empty one for a table that is not there.
    """
    named = [(f"privacy.columns.{name}", name) for name in settings.privacy.columns]
    named += [("cells.tasks", f"cells.{name}") for name in settings.cells.tasks or ()]
    problems = []
    for setting, name in named:
        table, column = name.split(".", 1)
        if table in columns and column not in columns[table]:
            near = closest(column, columns[table])
            suggestion = (
                f"write {near!r} if that is what you mean." if near else "delete the setting, or add the column."
            )
            problems.append(problem("W-SET-011", "spora.toml", None, setting, name=name, suggestion=suggestion))
    return problems
