"""Panels that a lab or another program left in the raw folder: names for channels, never written to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from spora_build.nomenclature.isotopes import metal
from spora_build.readers import read_name_list
from spora_build.submission.columns import sort_columns
from spora_build.submission.panel import KNOWN, MCMICRO, STEINBOCK
from spora_build.submission.sheet import read_sheet
from spora_build.submission.values import parse_bool

_PANEL_FILE = re.compile(r"(panel|markers)\.(csv|tsv)", re.IGNORECASE)
_LIST_FILE = re.compile(r".*(channel|marker).*\.txt", re.IGNORECASE)
_ALIASES = {**STEINBOCK, **MCMICRO, "metal": "channel", "antibody": "marker"}


@dataclass(frozen=True)
class LabChannel:
    """What a lab's panel says of one channel."""

    channel: str
    """Metal or name in the file; empty where the list goes by position."""
    name: str
    keep: bool | None
    is_nuclear: bool | None
    """True where steinbock was told to take the channel for nuclei."""


@dataclass(frozen=True)
class LabPanel:
    """One panel or list of channels, with its place."""

    file: str
    rows: tuple[LabChannel, ...]

    def of(self, name: str, tag: str) -> LabChannel | None:
        """The row of a channel, by metal or by name."""
        own = {metal(tag) or "", name.strip().casefold()} - {""}
        return next((row for row in self.rows if (metal(row.channel) or row.channel.strip().casefold()) in own), None)


def find_lab_panels(root: Path, folders: Iterable[Path]) -> list[LabPanel]:
    """Panels (steinbock, ImcSegmentationPipeline, MCMICRO) and channel lists in these folders, in their order."""
    panels = []
    for folder in dict.fromkeys(folders):
        for path in sorted(path for path in folder.iterdir() if path.is_file()):
            if _PANEL_FILE.fullmatch(path.name):
                panels.append(LabPanel(path.relative_to(root).as_posix(), _read_panel(path, root)))
            elif _LIST_FILE.fullmatch(path.name):
                rows = tuple(LabChannel("", name, None, None) for name in read_name_list(path))
                panels.append(LabPanel(path.relative_to(root).as_posix(), rows))
    return [panel for panel in panels if panel.rows]


def by_position(panels: Sequence[LabPanel], count: int) -> LabPanel | None:
    """The first list that has as many channels as an image without names."""
    return next((panel for panel in panels if len(panel.rows) == count), None)


def _read_panel(path: Path, root: Path) -> tuple[LabChannel, ...]:
    sheet = read_sheet(path, root)
    columns = sort_columns(sheet, KNOWN, aliases=_ALIASES)
    if "marker" not in columns.known:
        return ()
    rows = []
    for row in sheet.rows:
        keep = _flag(columns.cell(row, "keep"))
        if "remove" in columns.known and _flag(columns.cell(row, "remove")):
            keep = False
        rows.append(
            LabChannel(
                channel=columns.cell(row, "channel") or "",
                name=columns.cell(row, "marker") or "",
                keep=keep,
                is_nuclear=_is_first(columns.metadata(row).get("deepcell"))
                or _flag(columns.cell(row, "is_nuclear_marker")),
            )
        )
    return tuple(rows)


def _is_first(text: str | None) -> bool | None:
    """steinbock's deepcell column: 1 nuclei, 2 cytoplasm."""
    return True if text in ("1", "1.0") else None


def _flag(text: str | None) -> bool | None:
    try:
        return None if text is None else parse_bool(text)
    except ValueError:
        return None
