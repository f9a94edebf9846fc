"""Errors end here, once: messages for the user, one exit code, no traceback."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from spora_build.errors import ExitCode, SporaBuildError
from spora_build.model.report import Outcome, Status


def run(app: typer.Typer) -> None:
    """Run the app and exit with the code of what happened; wrong options are typer's to explain (exit 2)."""
    from spora_build.workflows.quiet import keep_quiet

    keep_quiet()
    try:
        app()
    except SporaBuildError as error:
        from spora_build.cli.console import show_problems

        show_problems(error.problems)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001  the boundary of the process: shown without the text, which may identify
        from spora_build.cli.console import show_problems
        from spora_build.workflows.guard import explain

        show_problems(explain(error))
        sys.exit(ExitCode.ENVIRONMENT if isinstance(error, OSError | MemoryError) else ExitCode.INVALID_DATA)


def exit_with(outcomes: Sequence[Outcome], retry: str) -> None:
    """Leave with 3 where tissues failed, saying how to retry just those."""
    failed = sorted({outcome.tissue_id for outcome in outcomes if outcome.status is Status.FAILED})
    if not failed:
        return
    from spora_build.cli.console import err

    only = " ".join(f"--only {tissue_id}" for tissue_id in failed)
    err.print(
        f"{len(failed)} tissues failed; the others are good. To retry just those:\n  {retry} {only}", soft_wrap=True
    )
    raise typer.Exit(ExitCode.PARTIAL)
