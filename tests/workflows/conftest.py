"""The example's raw folder and the dataset built from it, once for all tests of this room."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from spora_build.example.cohort import NAME, write_example
from spora_build.workflows.build import build
from spora_build.workflows.convert import ConvertRequest, prepare

KEY = hashlib.sha256(b"a key for tests").hexdigest()


@pytest.fixture(scope="session")
def example_raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's raw folder. Read only."""
    folder = tmp_path_factory.mktemp("example") / "raw"
    write_example(folder)
    return folder


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key, so that ids are the same in every build."""
    path = tmp_path_factory.mktemp("key") / "id.key"
    path.write_text(KEY)
    path.chmod(0o600)
    return path


def convert(raw: Path, out: Path, key_file: Path, **options: object) -> Path:
    """Build a raw folder and return the dataset's folder; every outcome must be good."""
    request = ConvertRequest(raw=raw, out=out, key_file=key_file, **{"workers": 1, **options})  # type: ignore[arg-type]
    conversion = prepare(request)
    outcomes = build(conversion, request)
    assert not [outcome for outcome in outcomes if outcome.status == "failed"]
    return conversion.layout.root


@pytest.fixture(scope="session")
def example_dataset(example_raw: Path, key_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example built with one worker. Read only."""
    root = convert(example_raw, tmp_path_factory.mktemp("built"), key_file)
    assert root.name == NAME
    return root


def tree_bytes(root: Path) -> dict[str, str]:
    """Digest of every file below a folder."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
