"""A whole panel: proposals that do not contradict each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from spora_build.nomenclature.clean import without_index
from spora_build.nomenclature.fold import fold
from spora_build.nomenclature.proposal import Kind, Proposal
from spora_build.nomenclature.propose import clean_label, propose


def propose_panel(labels: Sequence[str], tags: Sequence[str] = ()) -> tuple[Proposal, ...]:
    """Proposals for the channels of one panel, in order; names of kept channels differ in more than letter case.

    A DNA stain that comes back in later cycles is kept once, the first; whatever else would have the same name gets a
    number. ``tags`` has one text per label, or is empty.
    """
    given = tags or [""] * len(labels)
    taken: dict[str, Proposal] = {}
    result: list[Proposal] = []
    for label, tag in zip(labels, given, strict=True):
        proposal = propose(label, (tag,) if tag else ())
        first = taken.get(proposal.marker.casefold())
        if first is not None and proposal.keep:
            proposal = _again(proposal, first, taken)
        if proposal.keep:
            taken[proposal.marker.casefold()] = proposal
        result.append(proposal)
    return tuple(result)


def _again(proposal: Proposal, first: Proposal, taken: dict[str, Proposal]) -> Proposal:
    number = next(n for n in range(2, len(taken) + 3) if f"{proposal.marker}_{n}".casefold() not in taken)
    name = f"{proposal.marker}_{number}"
    if proposal.kind is Kind.DNA_STAIN and _stain(proposal.label) == _stain(first.label):
        note = f"the same stain as {first.label!r}, of another cycle: only the first is kept"
        return replace(proposal, marker=name, keep=False, note=note)
    note = f"the same marker as {first.label!r}"
    return replace(proposal, marker=name, note=f"{proposal.note}; {note}" if proposal.note else note)


def _stain(label: str) -> str:
    name = clean_label(label)
    return fold(without_index(name) or name)
