"""spora-build validate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spora_build.errors import Severity

if TYPE_CHECKING:
    from spora_build.checks.report import Report


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("validate")(validate)


def validate(
    dataset: Annotated[
        str | None,
        typer.Argument(
            help="The dataset's folder, s3://bucket/prefix/dataset, or a report that --json saved. "
            "Default: the dataset you are in.",
            show_default=False,
        ),
    ] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Also read every mask and every pixel.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too (exit 1).")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Only this rule (V402), these (V4) or this subject (tiling); repeat for more."),
    ] = None,
    least: Annotated[Severity, typer.Option(help="The mildest findings to show.")] = Severity.NOTE,
    place: Annotated[
        str | None, typer.Option(help="Only places with this text: a tissue id, a folder.", show_default=False)
    ] = None,
    places: Annotated[int, typer.Option(min=0, help="How many places of a finding to show.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Also write the report as JUnit XML.", show_default=False)] = None,
    severities: Annotated[
        Path | None, typer.Option(help="TOML file that overrides severities by code.", show_default=False)
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="Web address of the store of an s3:// dataset.", show_default=False)
    ] = None,
) -> None:
    """Check a dataset against every rule of the format, ours or hand-made, whole or partial; or show a saved report.

    Options that choose (--only, --least, --place) choose what the exit code counts, too.

    Example: `spora-build validate smith2023novel --deep`
    """
    from spora_build.checks.narrow import narrow, with_severities

    overrides = {}
    if severities is not None:
        from spora_build.checks.severity_file import read_severities

        overrides = read_severities(severities)
    report = with_severities(_report(dataset, deep, endpoint), overrides)
    report = narrow(report, only=only or (), least=least, place=place or "")
    if junit is not None:
        from spora_build.checks.junit import to_junit

        junit.write_text(to_junit(report), encoding="utf-8")
    if as_json:
        sys.stdout.write(report.to_json())
    else:
        show_report(report, places)
    raise typer.Exit(report.exit_code(strict=strict))


def _report(given: str | None, deep: bool, endpoint: str | None) -> Report:
    """The report of a dataset on disk or in a bucket, or one that was saved. Raises UsageError."""
    from spora_build.cli.in_bucket import is_in_bucket, refuse_deep
    from spora_build.errors import Problem, UsageError

    if given is not None and is_in_bucket(given):
        from spora_build.transfer.remote import open_remote
        from spora_build.workflows.checking.in_bucket import validate_remote

        refuse_deep(deep)
        return validate_remote(open_remote(given, endpoint=endpoint))
    path = Path(given) if given else None
    if path is not None and path.is_file():
        from spora_build.checks.saved_report import read_report

        if deep:
            raise UsageError(
                Problem(
                    "E-VALIDATE-004",
                    "--deep reads every pixel, and a saved report has none.",
                    "give the dataset's folder, or leave --deep out.",
                )
            )
        return read_report(path)
    from spora_build.cli.stages import open_dataset
    from spora_build.workflows.checking.validate import validate as check

    return check(open_dataset(path).root, deep=deep)


def show_report(report: Report, places: int = 3) -> None:
    """Print a report: findings worst first, then the tally."""
    from rich.markup import escape

    from spora_build.cli.console import show_line

    styles = {"ERROR": "bold red", "WARNING": "yellow", "NOTE": "cyan"}
    for line in report.lines(places):
        word = line.split(" ", 1)[0]
        style = styles.get(word)
        show_line(f"[{style}]{word}[/{style}]{escape(line[len(word) :])}" if style else escape(line), indent=8)
