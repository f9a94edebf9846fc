"""The gate: which columns of a table may identify a patient."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from spora_build.model.privacy_rules import Allow, Privacy
from spora_build.privacy import remedies
from spora_build.privacy.column import Column
from spora_build.privacy.detectors import (
    ages,
    contacts,
    dates,
    devices,
    free_text,
    hidden_ids,
    network,
    person_names,
    places,
    record_numbers,
    unique_codes,
)
from spora_build.privacy.finding import Finding
from spora_build.privacy.hit import Hit
from spora_build.privacy.small_groups import minimal_below, quasi_identifiers, smallest_groups

DETECTORS: tuple[Callable[[Column], Hit | None], ...] = (
    contacts.find,
    network.find,
    person_names.find,
    dates.find,
    record_numbers.find,
    devices.find,
    places.find,
    ages.find,
    free_text.find,
    unique_codes.find,
)
"""The most certain first: a column has one finding, that of the first that says something."""

REPORTED_K = 5
"""Groups smaller than this are told where spora.toml sets no ``min_k``."""


def lint_table(
    table: str,
    columns: Mapping[str, Sequence[str | None]],
    *,
    raw_ids: Collection[str],
    rules: Privacy,
    patients: Sequence[str] | None = None,
) -> list[Finding]:
    """Findings about a table, in the order of its columns, without those that ``rules`` allow.

    ``columns`` are those that would enter the dataset: all text, None where missing, all of one length. ``raw_ids`` are
    the identifiers of the whole submission (patients, biopsies, tissues, image names); ``patients`` the one of each
    row, where known. Other rules are not applied here: see :func:`~spora_build.privacy.apply_rules.apply_rules`.
    """
    seen = [Column.of(table, name, values, patients) for name, values in columns.items()]
    ids = hidden_ids.RawIds.of(raw_ids if seen else ())  # thousands take a while to be made ready
    findings: list[Finding] = []
    for place, column in enumerate(seen, start=1):
        if ids.are_in(column.name):
            findings.append(hidden_ids.named_after_a_patient(table, place))
        elif column.rows and not isinstance(rules.action(table, column.name), Allow):
            hit = hidden_ids.find(column, ids, columns[column.name], patients) or first_hit(column)
            if hit is not None:
                remedy = remedies.line(hit.code, column, seen)
                findings.append(Finding(hit.code, table, column.name, hit.reason, hit.rows, remedy))
    if table != "cells":
        findings += group_findings(table, columns, seen, rules, patients)
    return findings


def first_hit(column: Column) -> Hit | None:
    """What the first detector that says something says."""
    return next((hit for detector in DETECTORS if (hit := detector(column)) is not None), None)


def group_findings(
    table: str,
    columns: Mapping[str, Sequence[str | None]],
    seen: Sequence[Column],
    rules: Privacy,
    patients: Sequence[str] | None,
) -> list[Finding]:
    """Combinations of columns that few patients share: refused below ``min_k``, else told."""
    groups = smallest_groups(columns, quasi_identifiers(seen), patients)
    limit = REPORTED_K if rules.min_k is None else rules.min_k
    code = "N-PRIV-011" if rules.min_k is None else "E-PRIV-011"
    return [
        Finding(
            code,
            table,
            None,
            f"the combination of {' × '.join(group.columns)} has groups of k = {group.k}"
            + (f" (at least {limit} are asked for)" if rules.min_k is not None else "")
            + f"; {group.alone} patients are alone in theirs",
            0,
            "make one of them coarser or drop it in spora.toml, for example "
            f"{remedies.bin_line(table, group.columns[0])}.",
        )
        for group in minimal_below(groups, limit)
    ]
