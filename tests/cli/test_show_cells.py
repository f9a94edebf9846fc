"""The table of what masks and table of cells have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from spora_build.cli.console import out
from spora_build.cli.show_cells import show_cells
from spora_build.store.layout import Layout
from spora_build.store.ledger import Ledger
from spora_build.workflows.cells.reconciliation import count_key, write_reconciliation


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "smith2023cells")
    layout.root.mkdir()
    layout.private.mkdir()
    return layout


def _shown(layout: Layout, counts: dict[str, tuple[int, int, int]]) -> list[list[str]]:
    """Words of each line, once the counts are on disk."""
    ledger = Ledger.load(layout.private)
    ledger.record((count_key(tissue), " ".join(map(str, of))) for tissue, of in counts.items())
    write_reconciliation(layout, ledger, [*sorted(counts), "unknown"])
    with out.capture() as capture:
        show_cells(layout)
    return [line.split() for line in capture.get().splitlines()]


def test_nothing_is_shown_where_there_is_nothing_to_tell(layout: Layout) -> None:
    with out.capture() as capture:
        show_cells(layout)
    assert capture.get() == ""
    assert _shown(layout, {}) == []
    assert _shown(layout, {"a": (0, 20, 0)}) == []


def test_tissues_that_differ_come_first(layout: Layout) -> None:
    head, *lines = _shown(layout, {"a": (9, 0, 0), "b": (8, 1, 2), "c": (9, 0, 0), "d": (7, 0, 4)})
    assert " ".join(head) == "cells in mask and table only in mask only in table"
    assert lines == [["d", "7", "0", "4"], ["b", "8", "1", "2"], ["a", "9", "0", "0"], ["c", "9", "0", "0"]]


def test_of_many_tissues_the_rest_is_a_sum(layout: Layout) -> None:
    lines = _shown(layout, {f"t{number:02d}": (10 + number, number, 1) for number in range(23)})
    assert [words[0] for words in lines[1:3]] == ["t22", "t21"]
    assert lines[-1] == ["3", "more", "33", "3", "3"]
    assert len(lines) == 22
