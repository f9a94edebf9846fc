"""Errors end here, once: messages for the user, one exit code, no traceback."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

import typer

from spora_build.errors import ExitCode, Severity, SporaBuildError
from spora_build.model.report import Outcome, Status

_INTERRUPTED = b"\nInterrupted. What is finished stays; the same command goes on from there.\n"
_WORKER_KILLED = "E-ENV-010"
_SHOW_CURSOR = b"\x1b[?25h"
"""What a progress bar that never ends has hidden."""


def run(app: typer.Typer) -> None:
    """Run the app and exit with the code of what happened; wrong options are typer's to explain (exit 2)."""
    from spora_build.workflows.running.process_start import start_process
    from spora_build.workflows.running.quiet import keep_quiet

    keep_quiet()
    start_process()
    _stop_on_signals()
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
        from spora_build.workflows.running.guard import explain

        show_problems(explain(error))
        sys.exit(ExitCode.ENVIRONMENT if isinstance(error, OSError | MemoryError) else ExitCode.INVALID_DATA)


def _stop_on_signals() -> None:
    """Ctrl-C, a scheduler's TERM and a lost terminal end the work cleanly; a second one ends it at once."""
    seen = []

    def stop(number: int, frame: object) -> None:
        del frame
        seen.append(number)
        is_second = len(seen) > 1
        with suppress(OSError):
            if not is_second:
                os.write(2, _INTERRUPTED)  # typer would end without a word
            elif os.isatty(2):
                os.write(2, _SHOW_CURSOR)
        if is_second:
            os._exit(ExitCode.INTERRUPTED)  # workers end with their parent
        raise KeyboardInterrupt

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) != signal.SIG_IGN:  # nohup stays nohup
            signal.signal(getattr(signal, name), stop)


def exit_with(outcomes: Sequence[Outcome], *, takes_only: bool = True) -> None:
    """Leave with 3 where tissues failed, saying how to retry just those.

    With 5 where the machine is to blame for all of them: but a worker that was killed takes its own tissue alone.
    """
    failures = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
    if not failures:
        return
    from spora_build.cli.console import err

    failed = sorted({outcome.tissue_id for outcome in failures})
    retry = [*typed_command(), *(f"--only {tissue}" for tissue in failed if takes_only)]
    err.print(
        f"{_count(len(failed))} failed; the others are good. To retry just those:\n  {' '.join(retry)}",
        soft_wrap=True,
        markup=False,
    )
    spares_others = {outcome.tissue_id for outcome in outcomes} > set(failed) and all(map(_was_killed, failures))
    is_machine_s = all(map(_is_the_machine_s, failures)) and not spares_others
    raise typer.Exit(ExitCode.ENVIRONMENT if is_machine_s else ExitCode.PARTIAL)


def _is_the_machine_s(outcome: Outcome) -> bool:
    codes = _errors(outcome)
    return bool(codes) and all(code.startswith("E-ENV-") for code in codes)


def _was_killed(outcome: Outcome) -> bool:
    return _errors(outcome) == {_WORKER_KILLED}


def _errors(outcome: Outcome) -> set[str]:
    return {problem.code for problem in outcome.problems if problem.severity is Severity.ERROR}


def typed_command() -> tuple[str, ...]:
    """The command as it was typed, without what it was restricted to; what stands there now is no error to it."""
    words, left = [], iter(sys.argv[1:])
    for word in left:
        name, _, value = word.partition("=")
        if name not in ("--only", "--existing"):
            words.append(shlex.quote(word))
            continue
        value = value or next(left, "")
        if name == "--existing" and value != "error":
            words += [name, value]
    return ("spora-build", *words)


def _count(tissues: int) -> str:
    return "1 tissue" if tissues == 1 else f"{tissues} tissues"
