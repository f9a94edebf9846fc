"""A panel sheet for one modality: the channels of its images with the names that are proposed for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from spora_build.errors import Place, Problem
from spora_build.nomenclature.clean import strip_codes
from spora_build.nomenclature.fold import fold
from spora_build.nomenclature.isotopes import metal
from spora_build.nomenclature.panel import propose_panel
from spora_build.nomenclature.proposal import Confidence, Kind, Proposal
from spora_build.nomenclature.propose import clean_label
from spora_build.workflows.drafting.find_acquisitions import MASK_WORDS, Acquisition, words
from spora_build.workflows.drafting.lab_panels import LabChannel, LabPanel, by_position
from spora_build.workflows.planning.channels import number_repeats

COLUMNS = ("channel", "marker", "uniprot_id", "is_nuclear_marker", "qc_pass", "keep", "description", "proposal")
_NOTED = (Kind.ISOFORM, Kind.MARK, Kind.GLYCAN)
"""Kinds whose note says something about the channel, not about the proposal."""


@dataclass(frozen=True)
class DraftChannel:
    """A channel of a modality, before it has a name."""

    channel: str
    """As the sheet names it: metal, name in the file, or empty where the file names nothing."""
    label: str
    """What the name is read from."""
    tag: str = ""
    lab: LabChannel | None = None


def draft_panel(
    modality: str, images: Sequence[Acquisition], panels: Sequence[LabPanel]
) -> tuple[list[dict[str, str]], list[Problem]]:
    """Rows of ``panel_<modality>.csv`` and what to look at in them.

    Channels of all images are united in the order in which they first appear: by metal where every image has metals
    and no metal carries two antibodies, else by name. Images without names go by position: the first stands for all.
    """
    named = [image for image in images if image.roi.channel_names]
    problems: list[Problem] = []
    if named:
        channels = _by_metal(named) or _by_name(named)
        channels = [replace(c, lab=_lab(c, panels)) for c in channels]
        other = [i for i in images if not i.roi.channel_names and i.channel_count != len(channels)]
    else:
        channels, source = _by_number(images[0], panels)
        other = [i for i in images if i.channel_count != len(channels)]
        problems.append(_positions(modality, images, source))
    problems += [_does_not_fit(modality, image, len(channels)) for image in other]
    labels = [c.lab.name if c.lab is not None and c.lab.name else c.label for c in channels]
    proposals = propose_panel(labels, [c.tag for c in channels])
    rows = [_row(c, p) for c, p in zip(channels, proposals, strict=True)]
    return rows, [*problems, *_to_look_at(modality, proposals, rows)]


def _by_metal(images: Sequence[Acquisition]) -> list[DraftChannel]:
    """Channels by metal; nothing where an image has none, or one metal has two names."""
    found: dict[str, DraftChannel] = {}
    for image in images:
        roi = image.roi
        if len(set(roi.channel_tags)) != len(roi.channel_names):
            return []
        for tag, label in zip(roi.channel_tags, roi.channel_names, strict=True):
            first = found.setdefault(tag, DraftChannel(tag, label, tag))
            if fold(strip_codes(first.label)) != fold(strip_codes(label)) and fold(clean_label(first.label)) != fold(
                clean_label(label)
            ):
                return []
    return list(found.values())


def _by_name(images: Sequence[Acquisition]) -> list[DraftChannel]:
    found: dict[str, DraftChannel] = {}
    for image in images:
        roi = image.roi
        tags = roi.channel_tags or [""] * len(roi.channel_names)
        for name, label, tag in zip(number_repeats(roi.channel_names), roi.channel_names, tags, strict=True):
            found.setdefault(name.casefold(), DraftChannel(name, label, tag))
    return list(found.values())


def _by_number(image: Acquisition, panels: Sequence[LabPanel]) -> tuple[list[DraftChannel], str | None]:
    """Channels by position, named after a list of as many; the name of that list."""
    panel = by_position(panels, image.channel_count)
    if panel is None:
        return [DraftChannel("", f"channel_{number}") for number in range(1, image.channel_count + 1)], None
    return [DraftChannel("", row.name or row.channel, row.channel, row) for row in panel.rows], panel.file


def _lab(channel: DraftChannel, panels: Sequence[LabPanel]) -> LabChannel | None:
    rows = (panel.of(channel.label, channel.tag or channel.channel) for panel in panels)
    return next((row for row in rows if row is not None), None)


def _row(channel: DraftChannel, proposal: Proposal) -> dict[str, str]:
    lab = channel.lab
    keep, note = proposal.keep, proposal.note
    if MASK_WORDS & set(words(channel.label)) and proposal.kind is Kind.UNKNOWN:
        keep, note = False, "named like a mask, not like a channel"
    if lab is not None and lab.keep is not None:
        keep = lab.keep
    is_nuclear = proposal.is_nuclear_marker or (lab is not None and lab.is_nuclear is True)
    return {
        "channel": channel.channel,
        "marker": proposal.marker,
        "uniprot_id": proposal.uniprot_id,
        "is_nuclear_marker": "yes" if is_nuclear else "no",
        "qc_pass": "",
        "keep": "yes" if keep else "no",
        "description": note if proposal.kind in _NOTED and proposal.confidence is Confidence.SURE else "",
        "proposal": _how_sure(proposal, note),
    }


def _how_sure(proposal: Proposal, note: str) -> str:
    """``sure``; ``likely: …``; ``open: …``: what a person should know before believing the row."""
    said = [note] if note else []
    others = [str(c) for c in proposal.candidates if c.uniprot_id != proposal.uniprot_id]
    if others:
        said.append(("choose of " if proposal.confidence is Confidence.OPEN else "or ") + ", ".join(others))
    return f"{proposal.confidence}: {'; '.join(said)}" if said else str(proposal.confidence)


def _to_look_at(modality: str, proposals: Sequence[Proposal], rows: Sequence[dict[str, str]]) -> list[Problem]:
    place = Place(file=f"panel_{modality}.csv")
    kept = [proposal for proposal, row in zip(proposals, rows, strict=True) if row["keep"] == "yes"]
    without = [p for p in kept if p.confidence is Confidence.OPEN]
    guessed = [p for p in kept if p.confidence is Confidence.LIKELY]
    dropped = [p for p, row in zip(proposals, rows, strict=True) if row["keep"] == "no"]
    problems = []
    if without:
        what = f"left for you to name, or to give an accession: {_some(without)}."
        problems.append(Problem("W-INIT-020", what, "look at the column proposal: it lists what may be meant.", place))
    if guessed:
        what = f"names that are guesses: {_some(guessed)}."
        problems.append(Problem("W-INIT-021", what, "check each; the column proposal says why.", place))
    if dropped:
        what = f"channels that are not kept: {_some(dropped)}."
        problems.append(Problem("N-INIT-022", what, "write keep = yes for those you want.", place))
    if kept and not any(row["is_nuclear_marker"] == "yes" for row in rows if row["keep"] == "yes"):
        what = "no kept channel is known to stain nuclei."
        problems.append(Problem("N-INIT-023", what, "write is_nuclear_marker = yes for the one that does.", place))
    return problems


def _some(proposals: Sequence[Proposal], limit: int = 5) -> str:
    shown = ", ".join(f"{p.label} → {p.marker}" if p.label != p.marker else p.marker for p in proposals[:limit])
    return shown if len(proposals) <= limit else f"{shown} and {len(proposals) - limit} more"


def _positions(modality: str, images: Sequence[Acquisition], source: str | None) -> Problem:
    place = Place(file=f"panel_{modality}.csv")
    if source is None:
        what = f"{images[0].file} names no channels, and no list of them was found."
        return Problem("W-INIT-024", what, "write the markers, one row per channel in the file's order.", place)
    what = f"the files name no channels; the rows follow {source}, in its order."
    return Problem("W-INIT-025", what, "check that this is the order of the channels in the files.", place)


def _does_not_fit(modality: str, image: Acquisition, count: int) -> Problem:
    what = f"has {image.channel_count} channels without names; panel_{modality}.csv has {count} rows."
    return Problem(
        "W-INIT-026", what, "export it with channel names, or take it out of tissues.csv.", Place(file=image.file)
    )


def is_listed(row: dict[str, str], channels: Sequence[str]) -> bool:
    """Whether a sheet that lists these channels has the row's channel already, by name or metal."""
    own = row["channel"]
    return any(own.casefold() == c.casefold() or (metal(own) is not None and metal(own) == metal(c)) for c in channels)
