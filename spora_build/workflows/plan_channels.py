"""Which plane of a raw image is which channel of the panel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from spora_build.errors import Place, Problem
from spora_build.model.channel import Channel
from spora_build.submission.panel import PanelRow, PanelSheet


@dataclass(frozen=True)
class ChannelMatch:
    """Planes to read, in panel order, and the panel's name of each."""

    indices: tuple[int, ...]
    names: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


def match_channels(roi_names: Sequence[str], count: int, sheet: PanelSheet | None, place: Place) -> ChannelMatch:
    """Match an image's planes with a panel: by name, else by position where the counts allow no doubt.

    A name that a file carries twice is told apart as ``DAPI``, ``DAPI (2)``. Problems are errors where nothing matched.
    """
    names = number_repeats(roi_names)
    if sheet is None:
        return _without_panel(names, place)
    if not names:
        return _by_position(count, sheet, place, why=None)
    by_name = {_fold(name): index for index, name in enumerate(names)}
    found = [(row, by_name[_fold(row.channel)]) for row in sheet.rows if _fold(row.channel) in by_name]
    if not found:
        return _by_position(count, sheet, place, why=names)
    matched = {index for _, index in found}
    unknown = [name for index, name in enumerate(names) if index not in matched]
    problems: tuple[Problem, ...] = ()
    if unknown:
        problems = (
            Problem(
                "E-PANEL-101",
                f"the image has {len(unknown)} channels that {sheet.file} does not list: {_some(unknown)}.",
                f"add a row for each to {sheet.file}, with keep = false for those not wanted.",
                place,
            ),
        )
    kept = [(row, index) for row, index in found if row.keep]
    if not kept:
        problems += (_nothing_kept(sheet, place),)
    return ChannelMatch(tuple(index for _, index in kept), tuple(row.marker for row, _ in kept), problems)


def number_repeats(names: Sequence[str]) -> tuple[str, ...]:
    """Names with the second and later appearance of the same name numbered."""
    seen: Counter[str] = Counter()
    numbered = []
    for name in names:
        seen[name] += 1
        numbered.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(numbered)


def panel_channel(row: PanelRow) -> Channel:
    """The dataset's channel that a panel row describes."""
    return Channel(
        name=row.marker,
        original_name=row.channel,
        uniprot_id=row.uniprot_id,
        is_nuclear_marker=row.is_nuclear_marker,
        qc_pass=row.qc_pass,
        description=row.description,
    )


def _fold(name: str) -> str:
    return " ".join(name.split()).casefold()


def _some(names: Sequence[str], limit: int = 6) -> str:
    shown = ", ".join(repr(name) for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def _without_panel(names: tuple[str, ...], place: Place) -> ChannelMatch:
    if names and all(name.strip() for name in names):
        return ChannelMatch(tuple(range(len(names))), names)
    return ChannelMatch(
        (),
        (),
        (
            Problem(
                "E-PANEL-102",
                "the file names no channels and there is no panel for it.",
                "add panel_<modality>.csv with one row per channel, in the file's order (spora-build init drafts it).",
                place,
            ),
        ),
    )


def _by_position(count: int, sheet: PanelSheet, place: Place, why: tuple[str, ...] | None) -> ChannelMatch:
    kept = [row for row in sheet.rows if row.keep]
    if count == len(sheet.rows):
        pairs = [(row, index) for index, row in enumerate(sheet.rows) if row.keep]
    elif count == len(kept):
        pairs = [(row, index) for index, row in enumerate(kept)]
    else:
        reason = f"the image has {count} channels and {sheet.file} has {len(sheet.rows)} rows"
        if why:
            reason += f", none of them named as in the file ({_some(why)})"
        return ChannelMatch(
            (),
            (),
            (
                Problem(
                    "E-PANEL-103",
                    reason + ".",
                    f"write the file's channel names, or one row per channel in the file's order, into {sheet.file}.",
                    place,
                ),
            ),
        )
    if not pairs:
        return ChannelMatch((), (), (_nothing_kept(sheet, place),))
    problems: tuple[Problem, ...] = ()
    if why:
        problems = (
            Problem(
                "W-PANEL-104",
                f"no channel name of the file ({_some(why)}) is in {sheet.file}; matched by position.",
                "check that the panel's rows are in the order of the file's channels.",
                place,
            ),
        )
    return ChannelMatch(tuple(index for _, index in pairs), tuple(row.marker for row, _ in pairs), problems)


def _nothing_kept(sheet: PanelSheet, place: Place) -> Problem:
    return Problem(
        "E-PANEL-105",
        f"{sheet.file} keeps none of this image's channels.",
        f"set keep = true for at least one of them in {sheet.file}.",
        place,
    )
