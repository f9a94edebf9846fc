"""The list of problems and its page."""

from __future__ import annotations

import string
from pathlib import Path

import pytest

from spora_build.errors import Severity
from spora_build.submission.columns import fold
from spora_build.submission.panel import KNOWN
from spora_build.submission.problems import CATALOGUE, catalogue_markdown, problem, rows_text
from spora_build.submission.tissues import OPTIONAL, REQUIRED

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_the_page_is_up_to_date() -> None:
    written = (DOCS / "problems.md").read_text(encoding="utf-8")
    assert written == catalogue_markdown(), "run: python -m spora_build.submission.problems > docs/problems.md"


def test_the_page_of_sheets_names_every_column() -> None:
    page = (DOCS / "sheets.md").read_text(encoding="utf-8")
    for name in (*REQUIRED, *OPTIONAL, *KNOWN, "cell_id"):
        assert f"`{name}`" in page, name


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_problem_is_filled_in(code: str) -> None:
    entry = CATALOGUE[code]
    names = {name for text in entry for _, name, _, _ in string.Formatter().parse(text) if name}
    facts = {name: 1 if name == "mpp" else "FACT" for name in names}
    found = problem(code, "t.csv", 2, "c", **facts)
    assert found.severity is {"E": Severity.ERROR, "W": Severity.WARNING, "N": Severity.NOTE}[code[0]]
    assert "FACT" in str(found) or not names - {"mpp"}
    assert "t.csv row 2 column 'c'" in str(found)


def test_rows_text() -> None:
    assert rows_text([4]) == "row 4"
    assert rows_text(list(range(1, 11))) == "rows 1, 2, 3, 4, 5, 6, 7, 8 and 2 more"


def test_folded_headers() -> None:
    assert fold("Cell Mask") == fold("cell_mask") == fold("cellMask")
