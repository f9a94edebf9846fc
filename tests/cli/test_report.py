"""The commands report and view as people type them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from spora_build.cli.app import app
from spora_build.errors import UsageError
from tests.checks.build_dataset import NAME, REGISTERED, build_dataset


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return build_dataset(tmp_path)


def test_report_from_inside_the_dataset(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(dataset / "imc")
    result = CliRunner().invoke(app, ["report", "--jobs", "1", "--marker", "CD3E"])
    assert result.exit_code == 0, result.output
    page = (dataset.parent / f"{NAME}.report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and "IMC: CD3E" in page
    assert f"{NAME}.report.html" in result.stdout and str(dataset.parent) not in result.stdout
    assert not list(dataset.rglob("*.html"))


def test_report_refuses_a_place_inside_the_dataset(dataset: Path) -> None:
    result = CliRunner().invoke(app, ["report", str(dataset), "--out", str(dataset / "report.html")])
    assert isinstance(result.exception, UsageError)
    assert not list(dataset.rglob("*.html"))


def test_view_writes_pictures_into_the_current_folder(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    result = CliRunner().invoke(app, ["view", "abcdefgh", "--dataset", str(dataset), "--side", "128"])
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in Path().iterdir())
    assert names == [f"{REGISTERED}_he.png", f"{REGISTERED}_imc.png"]
    assert "DAPI" in result.stdout
