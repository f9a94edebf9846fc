"""The clean dataset, built once and copied for every test that breaks it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.checks.build_dataset import build_dataset


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset without a flaw; only to be read."""
    return build_dataset(tmp_path_factory.mktemp("clean"))


@pytest.fixture
def dataset(clean: Path, tmp_path: Path) -> Path:
    """A copy of it, to be broken."""
    return Path(shutil.copytree(clean, tmp_path / clean.name))
