"""Columns of the table of cells: through the privacy gate, typed, and which of them become masks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from spora_build.errors import Place, Problem
from spora_build.model.privacy_rules import Allow, Drop, Privacy
from spora_build.privacy.apply_rules import apply_rules
from spora_build.privacy.certain_ids import certain_ids
from spora_build.privacy.detectors import hidden_ids
from spora_build.store.layout import INSTANCES
from spora_build.submission import Submission
from spora_build.submission.cell_column_kind import KindSoFar
from spora_build.workflows.planning.cell_columns import MEASURED, ORIGINAL, CellColumn, CellTask
from spora_build.workflows.planning.metadata import gate_tokens, raw_ids

if TYPE_CHECKING:
    import pandas as pd

MAX_CATEGORIES = 64
"""Distinct texts up to which a column is one of categories."""
_MOST_DISTINCT = 50_000
_MOST_ROWS = 200_000
"""What the gate looks at: so many distinct values of a column, as often as they occur in so many rows."""


@dataclass(frozen=True)
class CellsPlan:
    """What becomes of the table of cells."""

    columns: tuple[CellColumn, ...] = ()
    source_names: Mapping[str, str] = field(default_factory=dict)
    """Column of the dataset to column of the table."""
    tasks: tuple[CellTask, ...] = ()
    problems: tuple[Problem, ...] = ()
    """Findings of the privacy gate."""
    notes: tuple[Problem, ...] = ()
    """Everything else there is to say."""
    secret: bytes | None = field(default=None, repr=False)
    """The key that hashed columns need."""


def plan_cells(submission: Submission, secret: bytes | None) -> CellsPlan:
    """Look at every row of the table once; ``secret`` is the key that hashed columns need."""
    table = submission.cells
    if table is None:
        return CellsPlan()
    rules = submission.settings.privacy
    as_given = {name: _Seen() for name in table.columns}
    as_kept = {name: _Seen() for name in table.columns if not isinstance(rules.action("cells", name), Drop)}
    for batch in table.batches():
        for name, seen in as_given.items():
            seen.add(pa.array(batch[name], pa.string()))
        for name, values in changed(batch, table.columns, rules, secret).items():
            as_kept[name].add(values)
    sample = {name: seen.sample() for name, seen in as_given.items()}
    longest = max(map(len, sample.values()), default=0)
    level = {name: [*values, *[None] * (longest - len(values))] for name, values in sample.items()}
    _, findings = apply_rules("cells", level, rules, raw_ids=raw_ids(submission), secret=secret)
    told = {finding.column for finding in findings if finding.code == hidden_ids.CODE}
    more = certain_ids("cells", sample, rules, gate_tokens(submission))
    findings += tuple(finding for finding in more if finding.column not in told)
    problems = tuple(
        replace(p, place=replace(p.place, file=table.file)) for p in (finding.problem() for finding in findings)
    )
    names = {_free_name(name): name for name in as_kept}
    wanted = submission.settings.cells.tasks
    columns = tuple(_column(name, as_kept[source], source in (wanted or ())) for name, source in names.items())
    tasks, notes = _tasks(columns, names, wanted, table.file)
    return CellsPlan(columns, names, tasks, problems, tuple(notes), secret)


def changed(batch: pd.DataFrame, columns: Sequence[str], rules: Privacy, secret: bytes | None) -> dict[str, pa.Array]:
    """Text columns of some rows after what spora.toml decides about them; dropped ones are gone."""
    result: dict[str, pa.Array] = {}
    for name in columns:
        values = pa.array(batch[name], pa.string())
        action = rules.action("cells", name)
        if action is None or isinstance(action, Allow):
            result[name] = values
        elif not isinstance(action, Drop):
            encoded = values.dictionary_encode()
            alone = Privacy(columns={f"cells.{name}": action})
            made, _ = apply_rules("cells", {name: encoded.dictionary.to_pylist()}, alone, raw_ids=(), secret=secret)
            result[name] = pa.array(made[name], pa.string()).take(encoded.indices)
    return result


class _Seen:
    """What a column holds, in bounded memory."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.kinds = KindSoFar()
        self.overflow = False

    def add(self, values: pa.Array) -> None:
        """Look at some values."""
        encoded = values.drop_null().value_counts()
        texts, counts = encoded.field(0).to_pylist(), encoded.field(1).to_pylist()
        self.kinds.add(texts)
        for text, count in zip(texts, counts, strict=True):
            if text in self.counts or len(self.counts) < _MOST_DISTINCT:
                self.counts[text] += count
            else:
                self.overflow = True

    def sample(self) -> list[str | None]:
        """Its distinct values, each as often as its share of the rows."""
        scale = min(1.0, _MOST_ROWS / max(1, self.counts.total()))
        return [text for text, count in self.counts.items() for _ in range(max(1, round(count * scale)))]

    @property
    def categories(self) -> tuple[str, ...] | None:
        if self.overflow or not 0 < len(self.counts) <= MAX_CATEGORIES:
            return None
        return tuple(sorted(self.counts))


def _column(name: str, seen: _Seen, is_task: bool) -> CellColumn:
    """A column of numbers that is to be a mask holds names of classes, which are text."""
    categories = seen.categories
    return CellColumn(name, "text" if is_task and categories is not None else seen.kinds.kind, categories)


_DEVICES = frozenset(("con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10))))
"""A task is a folder, and Windows has no folder of such a name."""


def _free_name(name: str) -> str:
    """The name in the dataset: measured columns keep theirs, and no task may be called as the masks themselves."""
    taken = {*MEASURED, ORIGINAL, INSTANCES, *_DEVICES}
    return f"raw_{name}" if name in taken or name.startswith("intensity_") else name


def _tasks(
    columns: Sequence[CellColumn], names: Mapping[str, str], wanted: Sequence[str] | None, file: str
) -> tuple[tuple[CellTask, ...], list[Problem]]:
    """Columns that become masks: those asked for, else every column of few distinct texts."""
    if wanted is None:
        chosen = [c for c in columns if c.kind == "text" and c.categories is not None]
        return tuple(task_of(column) for column in chosen), []
    tasks, notes = [], []
    for name in wanted:
        column = next((c for c in columns if names[c.name] == name), None)
        if column is None:
            continue  # told by the settings' own check, or dropped on purpose
        if column.categories is None:
            notes.append(
                Problem(
                    "W-CELLS-050",
                    f"the column has none or more than {MAX_CATEGORIES} distinct values: no mask is made of it.",
                    "take it out of tasks below [cells] of spora.toml, or group its values.",
                    Place(file=file, column=name),
                )
            )
        else:
            tasks.append(task_of(column))
    return tuple(tasks), notes


def task_of(column: CellColumn) -> CellTask:
    """Ids in the order of the names, 0 for what has none."""
    names = column.categories or ()
    nothing = "background" if "background" not in names else "unlabelled"
    return CellTask(column.name, (nothing, *names))
