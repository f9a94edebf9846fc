"""Every rule has a dataset that keeps it and at least one that breaks it."""

from __future__ import annotations

from pathlib import Path

import pytest

from spora_build.checks.core import Status, rules
from spora_build.workflows.checking.validate import validate
from tests.checks.build_dataset import GENES
from tests.checks.corrupt_derived import DERIVED_CORRUPTIONS
from tests.checks.corrupt_images import IMAGE_CORRUPTIONS
from tests.checks.corrupt_tables import TABLE_CORRUPTIONS
from tests.checks.corruption import Corruption

CORRUPTIONS = [*TABLE_CORRUPTIONS, *IMAGE_CORRUPTIONS, *DERIVED_CORRUPTIONS]
DEEP = {rule.code for rule in rules() if rule.deep}


def test_a_clean_dataset_passes_every_rule(clean: Path) -> None:
    report = validate(clean, deep=True, is_gene_symbol=GENES.__contains__)
    assert report.findings == ()
    assert [rule for rule in report.checked if rule.status is not Status.PASSED] == []


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=str)
def test_a_broken_dataset_is_told(corruption: Corruption, dataset: Path) -> None:
    renamed = corruption.apply(dataset)
    root = renamed if isinstance(renamed, Path) else dataset
    report = validate(root, deep=corruption.code in DEEP, is_gene_symbol=GENES.__contains__)
    found = {finding.code: finding for finding in report.findings}
    assert corruption.code in found, report.lines()
    expected = next(rule for rule in rules() if rule.code == corruption.code)
    finding = found[corruption.code]
    assert (finding.severity, finding.message, finding.remedy) == (expected.severity, expected.message, expected.remedy)
    assert finding.count >= 1
    assert not any(str(root.parent) in str(place) for place in finding.places)


def test_every_rule_has_a_broken_dataset() -> None:
    assert {rule.code for rule in rules()} == {corruption.code for corruption in CORRUPTIONS}
