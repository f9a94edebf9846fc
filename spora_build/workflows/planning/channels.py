"""Which plane of a raw image is which channel of the panel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spora_build.errors import Place, Problem
from spora_build.model.channel import Channel, Panel
from spora_build.nomenclature.isotopes import metal
from spora_build.nomenclature.proposal import Confidence, is_read_by_spora
from spora_build.nomenclature.propose import propose
from spora_build.submission.panel import PanelRow, PanelSheet


@dataclass(frozen=True)
class ChannelMatch:
    """Planes to read, in panel order, and the panel's name of each."""

    indices: tuple[int, ...]
    names: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


def match_channels(
    roi_names: Sequence[str], count: int, sheet: PanelSheet | None, place: Place, tags: Sequence[str] = ()
) -> ChannelMatch:
    """Match an image's planes with a panel: by name, by metal, else by position where the counts allow no doubt.

    ``tags`` are second names of the planes, the metals of IMC (``Pr141``; the panel may also say ``141Pr``). A name
    that a file carries twice is told apart as ``DAPI``, ``DAPI (2)``. Problems are errors where nothing matched.
    """
    names = number_repeats(roi_names)
    if sheet is None:
        return _without_panel(names, place)
    found = _by_name(names, tags, sheet)
    if not found:
        return _by_position(count, sheet, place, why=names or None)
    problems = _twice(found, sheet, place)
    matched = {index for _, index in found}
    unknown = [name for index, name in enumerate(names) if index not in matched]
    if unknown:
        problems += (
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
    """The dataset's channel that a panel row describes.

    Where the sheet does not say whether it stains the nucleus, the nomenclature does if it is sure; else it does not.
    """
    is_nuclear = row.is_nuclear_marker
    if is_nuclear is None:
        proposal = propose(row.marker)
        is_nuclear = proposal.confidence is Confidence.SURE and proposal.is_nuclear_marker
    return Channel(
        name=row.marker,
        original_name=row.channel,
        uniprot_id=row.uniprot_id,
        is_nuclear_marker=is_nuclear,
        qc_pass=row.qc_pass,
        description=row.description,
    )


def unlisted_channel(name: str) -> Channel:
    """A channel of a modality without a panel: named as in the file, with an accession only where there is no doubt."""
    proposal = propose(name)
    is_sure = proposal.confidence is Confidence.SURE
    return Channel(
        name=name,
        original_name=name,
        uniprot_id=proposal.uniprot_id if is_sure else "",
        is_nuclear_marker=proposal.is_nuclear_marker and is_sure,
    )


def panels_that_load_nothing(panels: Iterable[Panel]) -> list[Problem]:
    """A warning for each panel of which spora-io, in its default kind, would drop every channel."""
    return [
        Problem(
            "W-PANEL-108",
            "no channel has a UniProt accession that spora-io looks up: the dataset can be built, but its reader drops"
            " all of these channels.",
            "fill in uniprot_id, at least for the markers that models are to see (`spora-build init` proposes them).",
            Place(file=f"panel_{panel.modality}.csv"),
        )
        for panel in panels
        if not any(is_read_by_spora(channel.uniprot_id) for channel in panel.channels)
    ]


def _by_name(names: Sequence[str], tags: Sequence[str], sheet: PanelSheet) -> list[tuple[PanelRow, int]]:
    """Panel rows and the planes they name, in the sheet's order."""
    by_name = {_fold(name): index for index, name in enumerate(names)}
    by_tag = {metal(tag) or _fold(tag): index for index, tag in enumerate(tags) if tags.count(tag) == 1}
    found = []
    for row in sheet.rows:
        index = by_name.get(_fold(row.channel))
        if index is None:
            index = by_tag.get(metal(row.channel) or _fold(row.channel))
        if index is not None:
            found.append((row, index))
    return found


def _twice(found: Sequence[tuple[PanelRow, int]], sheet: PanelSheet, place: Place) -> tuple[Problem, ...]:
    """An error for each plane that two rows name, once by its label and once by its metal."""
    first: dict[int, PanelRow] = {}
    problems = []
    for row, index in found:
        other = first.setdefault(index, row)
        if other is not row:
            problems.append(
                Problem(
                    "E-PANEL-106",
                    f"rows {other.row} and {row.row} of {sheet.file} name the same channel of the image"
                    f" ({other.channel!r} and {row.channel!r}).",
                    "delete one of the rows.",
                    place,
                )
            )
    return tuple(problems)


def _fold(name: str) -> str:
    return " ".join(name.split()).casefold()


def _some(names: Sequence[str], limit: int = 6) -> str:
    shown = ", ".join(repr(name) for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def _without_panel(names: tuple[str, ...], place: Place) -> ChannelMatch:
    if names and all(name.strip() for name in names):
        return ChannelMatch(tuple(range(len(names))), names, (_named_by_file(place),))
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


def _named_by_file(place: Place) -> Problem:
    return Problem(
        "W-PANEL-107",
        "there is no panel for it: channels keep the names of the file, and have UniProt accessions only where these"
        " names leave no doubt.",
        "run `spora-build init` on the folder: it drafts panel_<modality>.csv, to be looked through and completed.",
        place,
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
