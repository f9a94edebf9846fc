"""Carry out what spora.toml decides about a table, and look at the result through the gate."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from spora_build.model.names import snake_case
from spora_build.model.privacy_rules import Bin, Cap, ColumnAction, DaysSince, Drop, Hash, Privacy
from spora_build.privacy import remedies
from spora_build.privacy.actions import UnusableActionError, Values, bin_values, cap, days_since, hash_values
from spora_build.privacy.column import Column
from spora_build.privacy.detectors import ages, hidden_ids
from spora_build.privacy.finding import Finding
from spora_build.privacy.lint import group_findings, lint_table

_DAYS_OF_OLDEST = (ages.OLDEST + 1) * 365.25

Columns = dict[str, list[str | None]]


def apply_rules(
    table: str,
    columns: Mapping[str, Sequence[str | None]],
    rules: Privacy,
    *,
    raw_ids: Collection[str],
    patients: Sequence[str] | None = None,
    secret: bytes | None = None,
) -> tuple[Columns, tuple[Finding, ...]]:
    """The columns that may enter the dataset, all text, and what is still to be decided about them.

    Dropped columns are gone, the others keep name and order. The result is linted again: a cap above 89 or a class of
    old ages is found as the raw column would be. ``secret`` is the id key, needed where a column is hashed (ValueError
    without). Findings with an ``E-`` stop the build, the others only tell: see
    :func:`~spora_build.privacy.finding.unresolved`.
    """
    kept: Columns = {}
    findings: list[Finding] = []
    undecided: dict[str, Sequence[str | None]] = {}
    for name, values in columns.items():
        action = rules.action(table, name)
        if isinstance(action, Drop):
            continue
        try:
            kept[name] = _act(action, values, columns, secret)
        except UnusableActionError as error:
            kept[name] = [None] * len(values)
            findings.append(_cannot(table, name, str(error), len(values)))
            continue
        if isinstance(action, Cap | Bin | DaysSince):
            findings += _still_old(table, name, action, kept[name])
        elif not isinstance(action, Hash):
            undecided[name] = kept[name]
    alone = Privacy(min_k=0, columns=rules.columns)  # groups are counted over all columns below
    findings += lint_table(table, undecided, raw_ids=raw_ids, rules=alone, patients=patients)
    findings += _names_of(table, kept.keys() - undecided.keys(), list(columns), raw_ids)
    if table != "cells":
        shown = [Column.of(table, name, values) for name, values in kept.items()]
        findings += group_findings(table, kept, shown, rules, patients)
    findings += _idle(table, columns, rules)
    order = {name: place for place, name in enumerate(columns)}
    findings.sort(key=lambda finding: order.get(finding.column or "", len(order)))
    return kept, tuple(findings)


def _act(
    action: ColumnAction | None,
    values: Sequence[str | None],
    columns: Mapping[str, Sequence[str | None]],
    secret: bytes | None,
) -> Values:
    match action:
        case Cap(at):
            return cap(values, at)
        case Bin(edges):
            return bin_values(values, edges)
        case DaysSince(column):
            reference = next((other for name, other in columns.items() if snake_case(name) == snake_case(column)), None)
            if reference is None:
                raise UnusableActionError("the table has no column of the name that days_since gives")
            return days_since(values, reference)
        case Hash():
            if secret is None:
                raise ValueError("hashing a column needs the id key")
            return hash_values(values, secret)
        case _:
            return list(values)


def _still_old(table: str, name: str, action: Cap | Bin | DaysSince, values: Values) -> list[Finding]:
    """Ages over 89 that an action left: a cap above it, a narrow class, days since birth."""
    if isinstance(action, DaysSince):
        rows = sum(1 for value in values if value is not None and abs(int(value)) >= _DAYS_OF_OLDEST)
        reason = "counts more days than 90 years have, which tells an age over 89"
        return [Finding(ages.CODE, table, name, reason, rows, f'{remedies.key(table, name)} = "drop"')] if rows else []
    column = Column.of(table, name, values)
    hit = ages.find(column)
    return [Finding(hit.code, table, name, hit.reason, hit.rows, remedies.line(hit.code, column, ()))] if hit else []


def _names_of(table: str, decided: Collection[str], names: Sequence[str], raw_ids: Collection[str]) -> list[Finding]:
    """Decided columns whose very name holds an identifier."""
    chosen = [(place, name) for place, name in enumerate(names, start=1) if name in decided]
    if not chosen:
        return []  # making thousands of identifiers ready takes a while
    ids = hidden_ids.RawIds.of(raw_ids)
    bad = [place for place, name in chosen if ids.are_in(name)]
    return [hidden_ids.named_after_a_patient(table, place) for place in bad]


def _cannot(table: str, name: str, why: str, rows: int) -> Finding:
    return Finding(
        "E-PRIV-013",
        table,
        name,
        f"cannot be changed as spora.toml says: {why}",
        rows,
        f'correct the sheet (dates as 2026-01-31), or write {remedies.key(table, name)} = "drop" in spora.toml.',
    )


def _idle(table: str, columns: Mapping[str, object], rules: Privacy) -> list[Finding]:
    """Decisions about columns that the table does not have: most often a spelling mistake."""
    there = {f"{table}.{snake_case(name)}" for name in columns}
    idle = [rule for rule in rules.columns if rule.startswith(f"{table}.") and rule not in there]
    return [
        Finding(
            "W-PRIV-014",
            table,
            None,
            f"spora.toml decides about {rule!r}, which is no column here",
            0,
            "correct the name under [privacy.columns], or remove the line.",
        )
        for rule in idle
    ]
