"""spora-build privacy-check."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("privacy-check")(privacy_check)


def privacy_check(
    dataset: Annotated[
        Path | None, typer.Argument(help="The dataset's folder. Default: the one you are in.", show_default=False)
    ] = None,
    private: Annotated[
        Path | None, typer.Option(help="The private folder. Default: the one beside the dataset.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Prove by bytes that no raw identifier of the crosswalk is in a finished dataset (exit 4 where one is).

    Example: `spora-build privacy-check smith2023novel`
    """
    from spora_build.cli.console import out, progress, show_problems
    from spora_build.cli.stages import open_dataset
    from spora_build.errors import ExitCode
    from spora_build.workflows.checking.privacy_check import privacy_check as check

    report = check(open_dataset(dataset), private=private, show_progress=progress)
    if as_json:
        sys.stdout.write(report.to_json())
    else:
        show_problems(report.problems)
        clean = report.exit_code is ExitCode.OK
        verdict = "no certain trace of an identifier" if clean else "[bold red]not safe to share[/bold red]"
        out.print(f"{report.dataset}: {verdict}; {report.summary()}", soft_wrap=True)
    raise typer.Exit(report.exit_code)
