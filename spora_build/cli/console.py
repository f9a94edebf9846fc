"""How results, problems and progress look; logs go to stderr, results to stdout."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, ConsoleDimensions
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from spora_build.errors import Problem, Severity
from spora_build.model.report import Outcome, Status


def _console(*, stderr: bool) -> Console:
    """A console as wide as its terminal, 200 columns wide where there is none."""
    if not (sys.stderr if stderr else sys.stdout).isatty():
        return Console(stderr=stderr, highlight=False, width=200)
    console = Console(stderr=stderr, highlight=False)
    if console.is_dumb_terminal:  # rich takes 80 columns for granted there
        console.size = ConsoleDimensions(*shutil.get_terminal_size())
    return console


out = _console(stderr=False)
err = _console(stderr=True)

_STYLE = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_ORDER = list(Severity)
PLAIN_EVERY_S = 30.0
"""Seconds between progress lines where stderr is no terminal."""


def show_line(markup: str, *, indent: int = 0, console: Console = out) -> None:
    """Print a line that may be long: between words on a terminal, its further lines indented; as one line elsewhere."""
    text = Text.from_markup(markup)
    if not console.file.isatty():
        console.print(text, soft_wrap=True)
        return
    first, *rest = text.wrap(console, max(console.width - indent, 20)) or [text]
    console.print(first, soft_wrap=True)
    for line in rest:
        console.print(Text(" " * indent) + line, soft_wrap=True)


def show_problems(problems: Iterable[Problem]) -> None:
    """Print problems, worst first; the same one in many places is one message with a count."""
    groups: dict[tuple[str, str, str], list[Problem]] = {}
    for problem in problems:
        groups.setdefault((problem.code, problem.place.file or "", problem.place.column or ""), []).append(problem)
    merged = _merge_files(list(groups.values()))
    for group in sorted(merged, key=lambda g: (_ORDER.index(g[0].severity), g[0].code)):
        first = group[0]
        style = _STYLE[first.severity]
        place = f"{escape(str(first.place))}: " if str(first.place) else ""
        more = f" [dim]({len(group) - 1} more like this)[/dim]" if len(group) > 1 else ""
        show_line(
            f"[{style}]{first.code}[/{style}] {place}{escape(first.what)} Fix: {escape(first.remedy)}{more}",
            indent=4,
            console=err,
        )


def _merge_files(groups: list[list[Problem]]) -> list[list[Problem]]:
    """Groups that say the same of different files become one."""
    merged: dict[tuple[str, str], list[Problem]] = {}
    for group in groups:
        merged.setdefault((group[0].code, group[0].place.column or ""), []).extend(group)
    return list(merged.values())


def show_outcomes(outcomes: Sequence[Outcome]) -> None:
    """The final table: what was built, what was there already, what failed and why."""
    stages = list(dict.fromkeys(outcome.stage for outcome in outcomes))
    table = Table("stage", "done", "unchanged", "failed", box=None, pad_edge=False, header_style="bold")
    for stage in stages:
        of = [outcome for outcome in outcomes if outcome.stage == stage]
        counts = [
            sum(outcome.status is status for outcome in of) for status in (Status.DONE, Status.SKIPPED, Status.FAILED)
        ]
        table.add_row(stage, *(str(count) for count in counts))
    out.print(table)
    _show_failures([outcome for outcome in outcomes if outcome.status is Status.FAILED])
    show_problems(problem for outcome in outcomes for problem in outcome.problems)


def _show_failures(failed: Sequence[Outcome]) -> None:
    if not failed:
        return
    table = Table("failed", "stage", "cause", box=None, pad_edge=False, header_style="bold red")
    for outcome in failed:
        for problem in outcome.problems:
            if problem.severity is Severity.ERROR:
                table.add_row(outcome.tissue_id, outcome.stage, f"{problem.code} {escape(problem.what)}")
    out.print(table)


@dataclass
class PlainProgress:
    """One line now and then, for log files."""

    label: str
    total: int
    done: int = 0
    _last: float = field(default_factory=time.monotonic)

    def advance(self) -> None:
        """Count one piece of work."""
        self.done += 1
        now = time.monotonic()
        if self.done == self.total or now - self._last >= PLAIN_EVERY_S:
            self._last = now
            err.print(f"{self.label}: {self.done}/{self.total}")


@dataclass
class BarProgress:
    """A live bar with time left."""

    progress: Progress
    task: int

    def advance(self) -> None:
        """Count one piece of work."""
        self.progress.advance(self.task)  # type: ignore[arg-type]


@contextmanager
def progress(label: str, total: int) -> Iterator[PlainProgress | BarProgress]:
    """Show how far a stage is: a bar on a terminal, lines in a log."""
    if not sys.stderr.isatty():
        yield PlainProgress(label, total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        yield BarProgress(bar, bar.add_task(label, total=total))
