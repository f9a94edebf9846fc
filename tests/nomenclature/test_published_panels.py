"""How well proposals do on labels of published panels. A wrong name that is sure of itself is worse than none."""

from __future__ import annotations

from collections import Counter

import pytest

from spora_build.nomenclature.proposal import Confidence
from spora_build.nomenclature.propose import propose
from tests.nomenclature.later_labels import LATER_PANELS
from tests.nomenclature.published_labels import DROP, PANELS

ALL_PANELS = PANELS | LATER_PANELS
CASES = [(panel, label, truth) for panel, labels in ALL_PANELS.items() for label, truth in labels.items()]


def verdict(label: str, truth: str) -> str:
    """``right``, ``open`` or ``wrong``."""
    proposal = propose(label)
    if truth == DROP:
        return "wrong" if proposal.uniprot_id else ("open" if proposal.keep else "right")
    if not proposal.keep:
        return "wrong"
    if not truth:
        return "wrong" if proposal.uniprot_id else "right"
    if proposal.confidence is Confidence.OPEN:
        return "open"
    return "right" if proposal.uniprot_id in truth.split() else "wrong"


@pytest.mark.parametrize(("panel", "label", "truth"), CASES)
def test_no_proposal_is_wrong(panel: str, label: str, truth: str) -> None:
    assert verdict(label, truth) != "wrong", propose(label)


def test_most_labels_are_proposed_right(capsys: pytest.CaptureFixture[str]) -> None:
    counts = {
        panel: Counter(verdict(label, truth) for label, truth in labels.items()) for panel, labels in ALL_PANELS.items()
    }
    total = sum(counts.values(), Counter[str]())
    with capsys.disabled():
        print()
        for panel, count in [*counts.items(), ("all", total)]:
            print(f"| {panel} | {count.total()} | {count['right']} | {count['open']} | {count['wrong']} |")
    assert total.total() >= 100
    assert total["wrong"] == 0
    assert total["right"] / total.total() >= 0.75


def test_what_is_open_has_candidates_where_the_target_is_known_by_name() -> None:
    """An open label of one of these panels mostly offers the true accession to choose from."""
    opened = [
        (label, truth.split())
        for _, label, truth in CASES
        if truth and truth != DROP and verdict(label, truth) == "open"
    ]
    helped = [label for label, truth in opened if {c.uniprot_id for c in propose(label).candidates} & set(truth)]
    assert len(helped) / len(opened) > 0.7, sorted({label for label, _ in opened} - set(helped))
