"""The tiny cohort built once without any fault, and a folder of its former version."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tifffile

from tests.faults.tiny_cohort import environment, write_tiny_cohort

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-c", "from spora_build.cli.app import main; main()")


def spora_build(*words: str | Path, timeout_s: float = 300, **more: str) -> subprocess.CompletedProcess[str]:
    """A finished process of the command line."""
    command = [*COMMAND, *map(str, words)]
    return subprocess.run(
        command, env=environment(**more), capture_output=True, text=True, timeout=timeout_s, check=False
    )


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``raw``, ``reference`` (built from it) and ``start`` (built from a former state of it). Read only.

    Between the two an image, a drawn mask, a mask of cells and the types of cells have changed.
    """
    folder = tmp_path_factory.mktemp("faults")
    raw = write_tiny_cohort(folder / "raw")
    now = {name: (raw / name).read_bytes() for name in ("a_imc.tif", "b_tissue.tif", "c_cells.tif", "cells.csv")}
    for name in ("a_imc.tif", "b_tissue.tif", "c_cells.tif"):
        pixels = tifffile.imread(raw / name)
        tifffile.imwrite(raw / name, pixels[..., ::-1, :].copy(), photometric="minisblack", metadata=None)
    (raw / "cells.csv").write_bytes(now["cells.csv"].replace(b"1,B", b"1,T").replace(b"2,T", b"2,C"))
    for name in ("start", "reference"):
        done = spora_build("convert", raw, "--out", folder / name, "--jobs", "1")
        assert done.returncode == 0, done.stderr
        if name == "start":
            for file, content in now.items():
                (raw / file).write_bytes(content)
    return folder


@pytest.fixture
def built(cohort: Path, tmp_path: Path) -> Path:
    """A folder with ``raw`` and ``out``: the finished build, to be harmed."""
    shutil.copytree(cohort / "raw", tmp_path / "raw", copy_function=shutil.copy2)
    shutil.copytree(cohort / "reference", tmp_path / "out", copy_function=shutil.copy2)
    return tmp_path
