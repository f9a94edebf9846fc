"""The gate once more, over the tables of a finished dataset."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spora_build.errors import Place, Problem
from spora_build.model.names import snake_case
from spora_build.model.privacy_rules import Allow, Drop, Privacy
from spora_build.privacy.column import Column
from spora_build.privacy.detectors import hidden_ids
from spora_build.privacy.finding import Finding
from spora_build.privacy.lint import first_hit, lint_table
from spora_build.store.layout import Layout
from spora_build.store.ledger import Ledger

OWN_COLUMNS = {
    *("tissue_id", "dataset", "patient_id", "specimen_id", "biopsy_id", "cell_id"),
    *("modality", "alignment", "mpp", "split", "original_patient_id"),
}
"""Columns that spora-build fills itself, with codes and checked words."""
_LEDGER_KEY = "privacy/decided"
_REMEDY = "decide about the column under [privacy.columns] of spora.toml and convert again."


@dataclass(frozen=True)
class Decided:
    """What had been decided about columns when the tables were written."""

    columns: frozenset[str] = frozenset()
    """``table.column``: changed on their way in, or looked at and allowed."""
    allowed: frozenset[str] = frozenset()
    """Those of them that somebody looked at and took as they are."""
    min_k: int | None = None

    def rules(self, table: str, columns: Collection[str]) -> Privacy:
        """Rules that let decided columns through."""
        let = Allow("decided before the build", datetime.date.min)
        decided = {name for name in columns if _is_among(self.columns, table, name)}
        return Privacy(self.min_k, {f"{table}.{snake_case(name)}": let for name in decided})

    def allows(self, table: str, column: str) -> bool:
        """Whether somebody took a column of tissues.parquet or cells.parquet as it is."""
        return _is_among(self.allowed, table, column)


def _is_among(known: frozenset[str], table: str, column: str) -> bool:
    tables = ("tissues", "clinical") if table == "tissues" else (table,)
    return any(f"{name}.{snake_case(column)}" in known for name in tables)


def decisions_entry(rules: Privacy) -> tuple[str, str]:
    """The line of the private ledger that remembers the decisions of a build."""
    columns = sorted(name for name, action in rules.columns.items() if not isinstance(action, Drop))
    allowed = [name for name in columns if isinstance(rules.columns[name], Allow)]
    return _LEDGER_KEY, json.dumps({"columns": columns, "allowed": allowed, "min_k": rules.min_k})


def read_decisions(private: Path) -> Decided:
    """The decisions of the last build, none where nobody remembers any."""
    said = json.loads(Ledger.load(private).entries.get(_LEDGER_KEY, "{}"))
    return Decided(frozenset(said.get("columns", ())), frozenset(said.get("allowed", ())), said.get("min_k"))


def relint(layout: Layout, raw_ids: Collection[str], decided: Decided) -> list[Problem]:
    """Findings of the gate about tissues.parquet and cells.parquet as they are; never a value."""
    findings = list(_tissues(layout, raw_ids, decided)) if layout.tissues_table.is_file() else []
    if layout.cells_table.is_file():
        findings += _cells(layout, raw_ids, decided)
    return [_shown(layout, finding) for finding in findings]


def _tissues(layout: Layout, raw_ids: Collection[str], decided: Decided) -> Iterator[Finding]:
    import pyarrow.parquet as pq

    table = pq.read_table(layout.tissues_table)
    texts = {name: _texts(table[name]) for name in table.column_names if name not in OWN_COLUMNS}
    columns = {name: values for name, values in texts.items() if values is not None}
    patients = table["patient_id"].to_pylist() if "patient_id" in table.column_names else None
    yield from lint_table(
        "tissues", columns, raw_ids=raw_ids, rules=decided.rules("tissues", columns), patients=patients
    )


def _cells(layout: Layout, raw_ids: Collection[str], decided: Decided) -> Iterator[Finding]:
    """As for tissues, but by the distinct values of one column after the other: there may be a hundred million rows."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(layout.cells_table)
    names = [name for name in file.schema_arrow.names if name not in OWN_COLUMNS]
    rules = decided.rules("cells", names)
    ids = hidden_ids.RawIds.of(raw_ids)
    for place, name in enumerate(names, start=1):
        if ids.are_in(name):
            yield hidden_ids.named_after_a_patient("cells", place)
        elif rules.action("cells", name) is None:
            column = Column.counted("cells", name, _counts(file, name))
            hit = hidden_ids.find(column, ids, (), None) or first_hit(column)
            if hit is not None:
                yield Finding(hit.code, "cells", name, hit.reason, hit.rows, _REMEDY)


def _counts(file: Any, name: str) -> Counter[str | None]:
    """Rows by value, as text; nothing for a column of decimals, which hold measurements."""
    counts: Counter[str | None] = Counter()
    for group in range(file.num_row_groups):
        texts = _texts(file.read_row_group(group, columns=[name]).column(0))
        if texts is None:
            return Counter()
        counts.update(texts)
    return counts


def _texts(column: Any) -> list[str | None] | None:
    """Values as the sheet would write them, None where they are decimals; whole floats are integers beside gaps."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(column.type):
        numbers = pc.drop_null(column)
        if not pc.all(pc.and_(pc.is_finite(numbers), pc.equal(pc.floor(numbers), numbers))).as_py():
            return None
        column = column.cast(pa.int64())
    return [None if value is None else str(value) for value in column.to_pylist()]


def _shown(layout: Layout, finding: Finding) -> Problem:
    problem = finding.problem()
    path = layout.cells_table if finding.table == "cells" else layout.tissues_table
    place = Place(file=path.relative_to(layout.root).as_posix(), column=finding.column)
    return replace(problem, place=place, remedy=_REMEDY)
