"""Rules are found, ordered and run with three outcomes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from spora_build.checks.core import NotApplicableError, Rule, Status, Violation, rule, rules, run
from spora_build.checks.view import DatasetView

VIEW = DatasetView(Path())


@rule("V001", remedy="Mend it.")
def broken(view: DatasetView) -> Iterator[Violation]:
    """Nothing is broken.

    It is
    though.
    """
    yield Violation("here", "so")


@rule("V002", remedy="", needs=["V001"])
def after_broken(view: DatasetView) -> Iterator[Violation]:
    """Never asked."""
    raise AssertionError


@rule("V003", remedy="")
def absent(view: DatasetView) -> Iterator[Violation]:
    """Nothing to see."""
    raise NotApplicableError("there is none")
    yield


@rule("V004", remedy="", needs=["V005"], deep=True)
def deep(view: DatasetView) -> Iterator[Violation]:
    """Reads pixels."""
    yield from ()


@rule("V005", remedy="")
def whole(view: DatasetView) -> Iterator[Violation]:
    """All is well."""
    yield from ()


def outcomes(*chosen: Rule, deep: bool = False) -> dict[str, tuple[Status, str]]:
    return {r.rule.code: (r.status, r.reason) for r in run(VIEW, chosen, deep=deep)}


def test_three_outcomes() -> None:
    assert outcomes(after_broken, broken, absent, whole) == {
        "V001": (Status.FAILED, ""),
        "V002": (Status.SKIPPED, "V001 did not pass"),
        "V003": (Status.SKIPPED, "there is none"),
        "V005": (Status.PASSED, ""),
    }


def test_prerequisites_come_first() -> None:
    assert list(outcomes(deep, whole, deep=True)) == ["V005", "V004"]


def test_a_prerequisite_that_was_not_chosen_did_not_pass() -> None:
    assert outcomes(after_broken) == {"V002": (Status.SKIPPED, "V001 did not pass")}


def test_deep_rules_wait_to_be_asked_for() -> None:
    assert outcomes(deep, whole)["V004"] == (Status.SKIPPED, "only with --deep")
    assert outcomes(deep, whole, deep=True)["V004"] == (Status.PASSED, "")


def test_the_docstring_is_the_message() -> None:
    assert (broken.message, broken.remarks) == ("Nothing is broken.", "It is though.")
    assert (broken.name, broken.subject) == ("broken", "test_core")


@pytest.mark.parametrize("found", rules(), ids=lambda r: r.code)
def test_every_rule_is_complete(found: Rule) -> None:
    assert re.fullmatch(r"V\d{3}", found.code)
    assert found.message.endswith((".", ")"))
    assert found.remedy.endswith((".", ")")), found.remedy
    assert {r.code for r in rules()} >= set(found.needs)
    assert found.deep or not any(r.deep for r in rules() if r.code in found.needs)


def test_messages_are_told_apart() -> None:
    assert len({found.message for found in rules()}) == len(rules())


def test_the_checks_never_print(clean: Path, capfd: pytest.CaptureFixture[str]) -> None:
    list(run(DatasetView(clean), rules(), deep=True))
    assert capfd.readouterr() == ("", "")
