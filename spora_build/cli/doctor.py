"""spora-build doctor."""

from __future__ import annotations

import typer

from spora_build.errors import ExitCode


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("doctor")(doctor)


def doctor() -> None:
    """Check this machine: Python, packages, codecs, cores, memory, disk, rclone.

    Example: `spora-build doctor`
    """
    from rich.table import Table

    from spora_build.cli.console import out
    from spora_build.workflows.doctor import examine

    findings = examine()
    table = Table("", "what", "found", box=None, show_header=False, pad_edge=False)
    marks = {True: "[green]ok[/green]", False: "[red]missing[/red]", None: "[yellow]optional[/yellow]"}
    for finding in findings:
        table.add_row(marks[finding.good], finding.what, finding.found)
    out.print(table)
    if any(finding.good is False for finding in findings):
        out.print("This machine cannot build datasets before what is missing is there.")
        raise typer.Exit(ExitCode.ENVIRONMENT)
    out.print("This machine can build datasets.")
