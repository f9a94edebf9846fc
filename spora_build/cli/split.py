"""spora-build split."""

from __future__ import annotations

from typing import Annotated

import typer

from spora_build.cli.options import Dataset


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("split")(split)


def split(
    dataset: Dataset = None,
    test: Annotated[float, typer.Option(help="Share of patients in test.")] = 0.2,
    by: Annotated[str | None, typer.Option(help="Column of tissues.parquet whose classes both halves get.")] = None,
    seed: Annotated[int, typer.Option(help="Another number draws another split.")] = 0,
    again: Annotated[bool, typer.Option("--again", help="Forget the split that is there.")] = False,
) -> None:
    """Divide the patients into train and test; patients who have a split keep it when others are added.

    Example: `spora-build split --test 0.2 --by stage`
    """
    from rich.table import Table

    from spora_build.cli.console import out
    from spora_build.cli.stages import open_dataset
    from spora_build.workflows.dataset.split import run_split

    rows = run_split(open_dataset(dataset), test_share=test, by=by, seed=seed, again=again)
    table = Table(by or "patients", "train", "test", box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(row.stratum, str(row.train), str(row.test))
    out.print(table)
