"""spora-build validate."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from spora_build.checks.report import Report
    from spora_build.errors import Severity


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("validate")(validate)


def validate(
    dataset: Annotated[
        str | None,
        typer.Argument(
            help="The dataset's folder, or s3://bucket/prefix/dataset. Default: the one you are in.", show_default=False
        ),
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Also read every mask and every pixel.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too (exit 1).")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Also write the report as JUnit XML.")] = None,
    severities: Annotated[Path | None, typer.Option(help="TOML file that overrides severities by code.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Web address of the store of an s3:// dataset.")] = None,
) -> None:
    """Check a dataset against every rule of the format, ours or hand-made, whole or partial.

    Example: `spora-build validate smith2023novel --deep`
    """
    overrides = None
    if severities is not None:
        from spora_build.checks.severity_file import read_severities

        overrides = read_severities(severities)
    report = _check(dataset, deep, overrides, endpoint)
    if junit is not None:
        from spora_build.checks.junit import to_junit

        junit.write_text(to_junit(report), encoding="utf-8")
    if as_json:
        sys.stdout.write(report.to_json())
    else:
        show_report(report)
    raise typer.Exit(report.exit_code(strict=strict))


def _check(dataset: str | None, deep: bool, severities: Mapping[str, Severity] | None, endpoint: str | None) -> Report:
    if dataset is not None and dataset.startswith("s3://"):
        from spora_build.errors import Problem, UsageError
        from spora_build.transfer.remote import open_remote
        from spora_build.workflows.checking.validate_remote import validate_remote

        if deep:
            raise UsageError(
                Problem(
                    "E-USE-008",
                    "--deep reads every pixel, which a bucket is too far away for.",
                    "`spora-build fetch` the dataset, and validate it here.",
                )
            )
        return validate_remote(open_remote(dataset, endpoint=endpoint), severities=severities)
    from spora_build.cli.stages import open_dataset
    from spora_build.workflows.checking.validate import validate as check

    return check(open_dataset(Path(dataset) if dataset else None).root, deep=deep, severities=severities)


def show_report(report: Report) -> None:
    """Print a report: findings worst first, then the tally."""
    from rich.markup import escape

    from spora_build.cli.console import out

    styles = {"ERROR": "bold red", "WARNING": "yellow", "NOTE": "cyan"}
    for line in report.lines():
        word = line.split(" ", 1)[0]
        style = styles.get(word)
        out.print(f"[{style}]{word}[/{style}]{escape(line[len(word) :])}" if style else escape(line), soft_wrap=True)
