"""spora-build report."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from spora_build.cli.options import Jobs


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("report")(report)


def report(
    dataset: Annotated[
        str | None,
        typer.Argument(
            help="The dataset's folder, or s3://bucket/prefix/dataset. Default: the one you are in.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The page to write. Default: <dataset>.report.html beside the dataset, or here.", show_default=False
        ),
    ] = None,
    marker: Annotated[
        list[str] | None,
        typer.Option(help="Channel of the composite pictures; repeat for up to one nuclear and three others."),
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Also validate every mask and every pixel.")] = False,
    jobs: Jobs = 0,
    endpoint: Annotated[str | None, typer.Option(help="Web address of the store of an s3:// dataset.")] = None,
) -> None:
    """Make one HTML page with pictures and numbers of every tissue, for whoever decides about the dataset.

    Example: `spora-build report smith2023novel`
    """
    from spora_build.cli.console import out as console
    from spora_build.cli.console import progress
    from spora_build.cli.in_bucket import is_in_bucket, refuse_deep
    from spora_build.cli.stages import open_dataset
    from spora_build.store.layout import Layout
    from spora_build.transfer.remote import open_remote
    from spora_build.workflows.checking.in_bucket import open_remote_dataset
    from spora_build.workflows.reporting.report import look_at_dataset, report_path, write_report
    from spora_build.workflows.running.jobs import default_workers

    with ExitStack() as stack:
        mirror = None
        if dataset is not None and is_in_bucket(dataset):
            refuse_deep(deep)
            mirror = stack.enter_context(open_remote_dataset(open_remote(dataset, endpoint=endpoint)))
            layout, out = Layout(mirror.root), out or Path()
        else:
            layout = open_dataset(Path(dataset) if dataset else None)
        path = report_path(layout, out)
        look = look_at_dataset(
            layout.root,
            markers=marker or (),
            deep=deep,
            workers=jobs or default_workers(),
            show_progress=progress,
            mirror=mirror,
        )
    write_report(path, look)
    console.print(f"The report of [bold]{layout.name}[/bold] is in {os.path.relpath(path)}", soft_wrap=True)
