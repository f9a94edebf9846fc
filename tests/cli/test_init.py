"""The command init on a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from spora_build.cli.app import app
from tests.workflows.lab_folder import write_mibi

run = CliRunner().invoke


def test_it_says_what_it_wrote_and_what_comes_next(tmp_path: Path) -> None:
    raw = write_mibi(tmp_path / "study")
    first = run(app, ["init", str(raw)])
    assert first.exit_code == 0
    assert "tissues.csv written, rows: 2" in first.output
    assert "panel_mibi.csv written, rows: 8" in first.output
    assert "W-INIT-030" in first.output
    assert f"spora-build convert {raw} --name smith2023novel --dry-run" in first.output
    again = run(app, ["init", str(raw)])
    assert again.exit_code == 0
    assert again.output.count("unchanged") == 3


def test_empty_sheets_go_into_the_folder_one_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(app, ["init", "--template", "imc"]).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["panel_imc.csv", "spora.toml", "tissues.csv"]


@pytest.mark.parametrize("arguments", [["init"], ["init", ".", "--template", "xray"]])
def test_what_makes_no_sense_is_a_usage_error(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(app, arguments).exit_code == 2
    assert not list(tmp_path.iterdir())
