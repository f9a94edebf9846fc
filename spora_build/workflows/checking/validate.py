"""``validate``: every rule of the format asked of a dataset on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from spora_build.checks.core import Result, rules, run
from spora_build.checks.report import Report
from spora_build.checks.view import DatasetView
from spora_build.errors import Severity
from spora_build.nomenclature.names import is_known_name


def validate(
    root: Path,
    *,
    deep: bool = False,
    severities: Mapping[str, Severity] | None = None,
    is_gene_symbol: Callable[[str], bool] | None = is_known_name,
    on_result: Callable[[Result], None] | None = None,
) -> Report:
    """Check a dataset, whole or a partial download, ours or anybody's. Reads only.

    Plain mode reads tables, metadata and mask headers; ``deep`` also every mask and every pixel. ``severities``
    overrides those of single rules by code. ``is_gene_symbol`` says which names fit a channel with an
    accession (that rule is skipped without it). ``on_result`` is called after each rule, for a progress bar.
    """
    view = DatasetView(root, is_gene_symbol)
    results = []
    for result in run(view, rules(), deep=deep):
        results.append(result)
        if on_result is not None:
            on_result(result)
    return Report.of(view.layout.name, results, severities or {}, deep=deep)
