"""The page of checks is the one that the rules make."""

from __future__ import annotations

from pathlib import Path

from spora_build.checks.core import rules
from spora_build.checks.document import checks_page

PAGE = Path(__file__).parents[2] / "docs" / "checks.md"


def test_the_page_is_up_to_date() -> None:
    remedy = "run `python -m spora_build.checks.document > docs/checks.md`"
    assert PAGE.read_text(encoding="utf-8") == checks_page(), remedy


def test_the_page_has_every_rule_once() -> None:
    page = checks_page()
    for rule in rules():
        assert page.count(f"**{rule.code}**") == 1
        assert rule.message in page
