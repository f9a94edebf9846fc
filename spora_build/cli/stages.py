"""What the commands of single stages share: find the dataset, run with progress, show the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from spora_build.model.report import Outcome
from spora_build.store.layout import Layout
from spora_build.workflows.running.progress import ShowProgress


def open_dataset(given: Path | None) -> Layout:
    """The dataset of ``--dataset``, or the one around the current folder. Raises UsageError."""
    from spora_build.workflows.dataset.find_dataset import find_dataset

    return find_dataset(given or Path())


def finish(
    layout: Layout,
    command: str,
    run: Callable[[Layout, int, ShowProgress], list[Outcome]],
    jobs: int,
    scheduler: str | None = None,
    scheduler_file: Path | None = None,
) -> None:
    """Run a stage with a progress bar, show its table and leave with the right code."""
    from spora_build.cli.console import progress, show_outcomes
    from spora_build.cli.exits import exit_with
    from spora_build.cli.resources import resources
    from spora_build.workflows.running.jobs import default_workers

    with resources(
        scheduler=scheduler,
        scheduler_file=scheduler_file,
        writable=(layout.root.parent, layout.private),
        threads=jobs,
    ):
        outcomes = run(layout, jobs or default_workers(), progress)
    show_outcomes(outcomes)
    exit_with(outcomes, takes_only=command not in ("tile", "stats"))
