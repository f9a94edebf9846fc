"""The line to write into spora.toml for each kind of finding."""

from __future__ import annotations

import json
from collections.abc import Sequence

from spora_build.model.names import snake_case
from spora_build.privacy.column import Column
from spora_build.privacy.detectors import ages, dates, hidden_ids, record_numbers, unique_codes

_HASHED = {record_numbers.CODE, hidden_ids.CODE, unique_codes.CODE}
_REFERENCES = ("diagnos", "index", "baseline", "surgery", "operation", "resection", "biops", "inclusion", "enrol")


def key(table: str, column: str) -> str:
    """The key of a column under ``[privacy.columns]``, quoted: ``"clinical.date_of_birth"``."""
    return json.dumps(f"{table}.{snake_case(column)}", ensure_ascii=False)


def line(code: str, column: Column, others: Sequence[Column]) -> str:
    """What answers a finding with the least loss: a cap, days, a pseudonym, else ``"drop"``."""
    name = key(column.table, column.name)
    if code == ages.CODE:
        return f"{name} = {{ cap = {ages.OLDEST} }}"
    if code == dates.CODE and not dates.is_birth(column):
        reference = _reference_date(column, others)
        if reference is not None:
            return f"{name} = {{ days_since = {json.dumps(snake_case(reference.name))} }}"
    if code in _HASHED:
        return f"{name} = {{ hash = true }}"
    return f'{name} = "drop"'


def bin_line(table: str, column: str) -> str:
    """A coarser column, where a combination of columns singles patients out."""
    return f"{key(table, column)} = {{ bin = [0, 50, 70] }}"


def _reference_date(column: Column, others: Sequence[Column]) -> Column | None:
    if any(word in column.words for word in _REFERENCES[:1]):
        return None
    dated = [
        other for other in others if other is not column and dates.is_named_date(other) and not dates.is_birth(other)
    ]
    ranked = [other for word in _REFERENCES for other in dated if word in other.words]
    return ranked[0] if ranked and ranked[0].rows >= column.rows / 2 else None
