"""The boundary of the process: foreign errors end without their text, which may identify somebody."""

from __future__ import annotations

import errno

import pytest
import typer

from spora_build.cli import exits
from spora_build.errors import ExitCode, Problem, UsageError
from spora_build.model.report import Outcome, Status

SECRET = "Hans_Muster_1950"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RuntimeError(f"cannot parse {SECRET}"), ExitCode.INVALID_DATA),
        (KeyError(SECRET), ExitCode.INVALID_DATA),
        (FileNotFoundError(errno.ENOENT, "no such file", f"/raw/{SECRET}.tif"), ExitCode.ENVIRONMENT),
        (OSError(errno.ENOSPC, f"no space for {SECRET}"), ExitCode.ENVIRONMENT),
        (MemoryError(SECRET), ExitCode.ENVIRONMENT),
        (UsageError(Problem("E-USE-999", "told.", "do.")), ExitCode.USAGE),
        (KeyboardInterrupt(SECRET), ExitCode.INTERRUPTED),
    ],
)
def test_no_text_of_a_foreign_error_is_shown(
    error: BaseException, code: ExitCode, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        raise error from ValueError(f"the cause is {SECRET}")

    for setting in ("quiet.keep_quiet", "process_start.start_process"):  # this process is pytest's
        monkeypatch.setattr(f"spora_build.workflows.running.{setting}", lambda: None)
    monkeypatch.setattr("sys.argv", ["spora-build"])
    with pytest.raises(SystemExit) as left:
        exits.run(app)
    shown = capsys.readouterr()
    assert left.value.code == code
    assert SECRET not in shown.out + shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    ("typed", "again"),
    [
        ("convert raw --only a --jobs 2 --only=b", "convert raw --jobs 2"),
        ("mask --existing error", "mask"),
        ("mask --existing=error --dataset d", "mask --dataset d"),
        ("cells --existing=overwrite", "cells --existing overwrite"),
    ],
)
def test_the_command_to_type_again(typed: str, again: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["spora-build", *typed.split(), "my folder"])
    assert " ".join(exits.typed_command()) == f"spora-build {again} 'my folder'"


@pytest.mark.parametrize(
    ("failures", "code"),
    [
        ({"b": "E-IMAGE-003"}, ExitCode.PARTIAL),
        ({"b": "E-ENV-001"}, ExitCode.ENVIRONMENT),
        ({"b": "E-ENV-001", "a": "E-IMAGE-003"}, ExitCode.PARTIAL),
        ({"b": "E-ENV-010"}, ExitCode.PARTIAL),
        ({"a": "E-ENV-010", "b": "E-ENV-010"}, ExitCode.ENVIRONMENT),
        ({}, None),
    ],
)
def test_a_killed_worker_takes_its_own_tissue_alone(failures: dict[str, str], code: ExitCode | None) -> None:
    outcomes = [Outcome(tissue, "images", Status.DONE) for tissue in ("a", "b") if tissue not in failures]
    outcomes += [
        Outcome(tissue, "images", Status.FAILED, (Problem(found, "told.", "do."),))
        for tissue, found in failures.items()
    ]
    if code is None:
        exits.exit_with(outcomes)
        return
    with pytest.raises(typer.Exit) as left:
        exits.exit_with(outcomes)
    assert left.value.exit_code == code
