"""spora-build validate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from spora_build.checks.report import Report


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("validate")(validate)


def validate(
    dataset: Annotated[
        Path | None, typer.Argument(help="The dataset's folder. Default: the one you are in.", show_default=False)
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Also read every mask and every pixel.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too (exit 1).")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Also write the report as JUnit XML.")] = None,
    severities: Annotated[Path | None, typer.Option(help="TOML file that overrides severities by code.")] = None,
) -> None:
    """Check a dataset against every rule of the format, ours or hand-made, whole or partial.

    Example: `spora-build validate smith2023novel --deep`
    """
    from spora_build.cli.stages import open_dataset
    from spora_build.workflows.validate import validate as check

    layout = open_dataset(dataset)
    overrides = None
    if severities is not None:
        from spora_build.checks.severity_file import read_severities

        overrides = read_severities(severities)
    report = check(layout.root, deep=deep, severities=overrides)
    if junit is not None:
        from spora_build.checks.junit import to_junit

        junit.write_text(to_junit(report), encoding="utf-8")
    if as_json:
        sys.stdout.write(report.to_json())
    else:
        show_report(report)
    raise typer.Exit(report.exit_code(strict=strict))


def show_report(report: Report) -> None:
    """Print a report: findings worst first, then the tally."""
    from rich.markup import escape

    from spora_build.cli.console import out

    styles = {"ERROR": "bold red", "WARNING": "yellow", "NOTE": "cyan"}
    for line in report.lines():
        word = line.split(" ", 1)[0]
        style = styles.get(word)
        out.print(f"[{style}]{word}[/{style}]{escape(line[len(word) :])}" if style else escape(line), soft_wrap=True)
