"""``panel_<modality>.csv``: which channel is which marker."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spora_build.errors import Problem
from spora_build.model.modality import Modality
from spora_build.submission.columns import Columns, naming_hint, sort_columns
from spora_build.submission.problems import problem
from spora_build.submission.sheet import Sheet, SheetRow, find_sheet, read_sheet, tables_in
from spora_build.submission.spelling import looks_rewritten
from spora_build.submission.values import parse_bool

KNOWN = ("channel", "marker", "uniprot_id", "is_nuclear_marker", "qc_pass", "keep", "description")
LIKELY = ("channel", "marker", "uniprot_id", "is_nuclear_marker", "qc_pass", "description")
STEINBOCK = {"name": "marker", "target": "marker", "metaltag": "channel", "full": "keep"}
"""Folded headers of steinbock's and the ImcSegmentationPipeline's panel.csv, and what they are here."""
MCMICRO = {"markername": "marker", "remove": "remove"}
"""Folded headers of MCMICRO's markers.csv; its rows are in the file's channel order."""
UNIPROT = re.compile(r"(?:[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2})(?:-[1-9][0-9]*)?")
"""UniProt's own pattern of accession numbers (uniprot.org/help/accession_numbers), with an isoform."""
RESERVED_MARKERS = frozenset(("tissue_id", "channel_name"))
"""Names of the index that stands beside the marker columns."""
_FORBIDDEN = re.compile(r'[/\\<>:"|?*\x00-\x1f\x7f]')


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


def read_panels(root: Path, modalities: Collection[Modality]) -> tuple[dict[Modality, PanelSheet], list[Problem]]:
    """Every panel of a raw folder, and every problem of the sheets.

    ``modalities`` are those of tissues.csv: they say whose panel a plain ``panel.csv`` (steinbock) or ``markers.csv``
    (MCMICRO) is, which are only read for a modality without a sheet of its own.
    """
    panels: dict[Modality, PanelSheet] = {}
    problems: list[Problem] = []
    stems = sorted(
        {path.stem.lower() for path in tables_in(root) if path.stem.lower().startswith("panel_") and _is_sheet(path)}
    )
    for stem in stems:
        path, found = find_sheet(root, stem)
        problems += found
        if path is None:
            continue
        try:
            modality = Modality.parse(stem.removeprefix("panel_"))
        except ValueError:
            problems.append(problem("E-PANEL-001", path.name))
            continue
        if not modality.is_multiplex:
            problems.append(problem("E-PANEL-002", path.name, modality=modality))
            continue
        if modalities and modality not in modalities:
            problems.append(problem("W-PANEL-014", path.name, modality=modality))
            continue
        panel, found = _read_panel(path, root, modality, {**STEINBOCK, **MCMICRO})
        problems += found
        panels[modality] = panel
    wanting = sorted(m for m in modalities if m.is_multiplex and m not in panels)
    for stem, aliases, home in (("panel", STEINBOCK, "imc"), ("markers", MCMICRO, "cycif")):
        path, found = find_sheet(root, stem)
        problems += found
        if path is None:
            continue
        own = [m for m in wanting if m.name == home] or wanting
        if not own and panels:
            problems.append(problem("N-PANEL-015", path.name, other=", ".join(p.file for p in panels.values())))
        elif len(own) != 1:
            problems.append(problem("E-PANEL-013", path.name))
        else:
            panel, found = _read_panel(path, root, own[0], aliases)
            problems += found
            panels[own[0]] = panel
            wanting.remove(own[0])
    return panels, problems


def _is_sheet(path: Path) -> bool:
    return path.suffix.lower() in (".csv", ".tsv", ".xlsx", ".xls", ".ods")


def _read_panel(
    path: Path, root: Path, modality: Modality, aliases: Mapping[str, str]
) -> tuple[PanelSheet, list[Problem]]:
    sheet = read_sheet(path, root)
    problems = list(sheet.problems)
    if not sheet.headers:
        return PanelSheet(modality, sheet.file, ()), problems
    columns = sort_columns(sheet, KNOWN, aliases=aliases, likely=LIKELY)
    problems += columns.problems
    if "marker" not in columns.known:
        hint = naming_hint(columns, "marker")
        problems.append(problem("E-PANEL-003", sheet.file, sheet.header_row, name="marker", hint=hint))
        return PanelSheet(modality, sheet.file, ()), problems
    rows: list[PanelRow] = []
    for row in sheet.rows:
        panel_row, found = _panel_row(row, columns, sheet)
        rows.append(panel_row)
        problems += found
    problems += _contradictions(rows, sheet.file)
    return PanelSheet(modality, sheet.file, tuple(rows)), problems


def _panel_row(row: SheetRow, columns: Columns, sheet: Sheet) -> tuple[PanelRow, list[Problem]]:
    file, number = sheet.file, row.number
    problems: list[Problem] = []

    def text(name: str) -> str:
        return columns.cell(row, name) or ""

    def flag(name: str) -> bool | None:
        word = columns.cell(row, name)
        if word is None:
            return None
        try:
            return parse_bool(word)
        except ValueError:
            problems.append(problem("E-PANEL-011", file, number, name, word))
            return None

    keep = flag("keep") is not False and flag("remove") is not True
    marker = text("marker")
    if keep:
        problems += _marker_problems(marker, file, number)
    uniprot = text("uniprot_id").upper()
    if uniprot and not UNIPROT.fullmatch(uniprot):
        problems.append(problem("E-PANEL-010", file, number, "uniprot_id", text("uniprot_id")))
    value = PanelRow(
        row=number,
        channel=text("channel"),
        marker=marker,
        uniprot_id=uniprot,
        is_nuclear_marker=flag("is_nuclear_marker"),
        qc_pass=flag("qc_pass"),
        keep=keep,
        description=text("description"),
        metadata=columns.metadata(row),
    )
    return value, problems


def _marker_problems(marker: str, file: str, row: int) -> list[Problem]:
    if not marker:
        return [problem("E-PANEL-004", file, row, "marker")]
    if looks_rewritten(marker):
        return [problem("E-PANEL-012", file, row, "marker", marker)]
    if marker.lower() in RESERVED_MARKERS:
        return [problem("E-PANEL-017", file, row, "marker", marker, name=marker)]
    forbidden = sorted(set(_FORBIDDEN.findall(marker)))
    if forbidden:
        shown = " ".join(repr(character) for character in forbidden)
        return [problem("E-PANEL-007", file, row, "marker", marker, characters=shown)]
    return []


def _contradictions(rows: list[PanelRow], file: str) -> list[Problem]:
    kept = [row for row in rows if row.keep]
    problems = [] if kept or not rows else [problem("E-PANEL-016", file)]
    problems += _repeats([row for row in rows if row.channel], lambda r: r.channel, "channel", "E-PANEL-008", file)
    if any(row.channel for row in rows):
        problems += [problem("E-PANEL-009", file, row.row, "channel") for row in rows if not row.channel]
    named = [row for row in kept if row.marker]
    problems += _repeats(named, lambda r: r.marker, "marker", "E-PANEL-005", file)
    spellings = {row.marker: row for row in reversed(named)}
    first_of_each = sorted(spellings.values(), key=lambda r: r.row)
    problems += _repeats(first_of_each, lambda r: r.marker.casefold(), "marker", "E-PANEL-006", file)
    return problems


def _repeats(rows: list[PanelRow], key: Callable[[PanelRow], str], column: str, code: str, file: str) -> list[Problem]:
    first: dict[str, int] = {}
    problems: list[Problem] = []
    for row in rows:
        if key(row) in first:
            value = row.channel if column == "channel" else row.marker
            problems.append(problem(code, file, row.row, column, value, other=first[key(row)]))
        first.setdefault(key(row), row.row)
    return problems
