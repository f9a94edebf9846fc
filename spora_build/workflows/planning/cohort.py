"""What only the whole cohort shows: channels that no image has, pixel sizes that nearly agree."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from spora_build.errors import Place, Problem
from spora_build.submission import Submission
from spora_build.workflows.planning.images import ImageFacts

NEARLY = 0.03
"""Relative difference of native pixel sizes below which one scanner's scatter is likelier than two magnifications."""


def cohort_problems(submission: Submission, facts: Sequence[ImageFacts]) -> list[Problem]:
    """What is wrong with the cohort as a whole, and warnings about it."""
    return [*_alike_modalities(facts), *_silent_panel_rows(submission, facts), *_scattered_mpps(facts)]


def _alike_modalities(facts: Sequence[ImageFacts]) -> list[Problem]:
    """Modalities whose folders would be one on a disk that ignores upper and lower case."""
    rows: dict[str, int] = {}
    for fact in facts:
        rows.setdefault(fact.row.modality.name, fact.row.row)
    first: dict[str, str] = {}
    problems = []
    for name, row in rows.items():
        other = first.setdefault(name.casefold(), name)
        if other != name:
            problems.append(
                Problem(
                    "E-TISSUE-030",
                    f"this modality differs from {other} in row {rows[other]} only in upper and lower case.",
                    "spell them alike.",
                    Place(file="tissues.csv", row=row, column="modality", value=name),
                )
            )
    return problems


def _silent_panel_rows(submission: Submission, facts: Sequence[ImageFacts]) -> list[Problem]:
    """Panel rows that no image has: most often a spelling mistake."""
    problems = []
    for modality, sheet in submission.panels.items():
        of = [fact for fact in facts if fact.row.modality == modality and fact.is_usable]
        seen = {name for fact in of for name in fact.channel_names}
        for row in sheet.rows:
            if of and row.keep and row.marker not in seen:
                problems.append(
                    Problem(
                        "W-PANEL-106",
                        f"no image has the channel {row.channel!r} ({row.marker}); it is left out.",
                        "correct the name, or remove the row.",
                        Place(file=sheet.file, row=row.row, column="channel"),
                    )
                )
    return problems


def _scattered_mpps(facts: Sequence[ImageFacts]) -> list[Problem]:
    """Native pixel sizes of one modality that differ by a scanner's scatter make a folder each."""
    problems = []
    for modality in sorted({fact.row.modality for fact in facts}):
        sizes = {fact.pixel_size.mpp for fact in facts if fact.row.modality == modality and fact.pixel_size}
        near = sorted({mpp for a, b in pairwise(sorted(sizes)) if b - a < NEARLY * a for mpp in (a, b)})
        if near:
            listed = ", ".join(f"{mpp:g}" for mpp in near)
            problems.append(
                Problem(
                    "W-MPP-030",
                    f"the raw {modality} images have pixel sizes that nearly agree ({listed} µm); each makes a folder"
                    " of its own at native resolution, and a reader opens one folder at a time.",
                    f"if these are one scanner's, set --mpp-override {modality}={near[len(near) // 2]:g}; at 1.0 mpp"
                    " they share a folder in any case.",
                    Place(file="tissues.csv", column="mpp"),
                )
            )
    return problems
