"""spora-build repair."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spora_build.cli.options import Dataset


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("repair")(repair)


def repair(
    dataset: Dataset = None,
    yes: Annotated[bool, typer.Option("--yes", help="Put right what can be; without it, only show.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Also remove images and masks that no table names.")] = False,
) -> None:
    """Show what a crash or a stray copy left in a dataset, and put it right with --yes.

    Example: `spora-build repair --yes`
    """
    from rich.markup import escape
    from rich.table import Table

    from spora_build.cli.console import err, out
    from spora_build.cli.exits import typed_command
    from spora_build.errors import ExitCode
    from spora_build.workflows.dataset.find_dataset import find_dataset_or_remains
    from spora_build.workflows.dataset.repair import Fault, find_faults
    from spora_build.workflows.dataset.repair import repair as put_right

    layout = find_dataset_or_remains(dataset or Path())
    found = put_right(layout, with_orphans=prune) if yes else find_faults(layout)
    if not found:
        out.print("Nothing to repair.")
        return
    table = Table("what", "where", "done" if yes else "to do", box=None, pad_edge=False, header_style="bold")
    for finding in found:
        home = layout.root.resolve().parent
        table.add_row(finding.fault.value, escape(finding.path.resolve().relative_to(home).as_posix()), finding.fix)
    out.print(table)
    if not yes:
        words = [*typed_command(), "--yes"]
        if not prune and any(finding.fault is Fault.ORPHAN for finding in found):
            words.append("[--prune]")
        err.print(f"Nothing was changed. To put it right: {' '.join(words)}", markup=False, soft_wrap=True)
        raise typer.Exit(ExitCode.INVALID_DATA)
