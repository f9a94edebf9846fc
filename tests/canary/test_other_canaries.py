"""Canaries in further kinds of files: ImageJ, profiles, AnnData, Parquet, masks; and who may read what is private."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from spora_build.store.layout import Layout
from tests.canary.other_folder import write_other_folder
from tests.canary.search import canaries, tokens_in
from tests.canary.test_canary import NAME, spora_build

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("table", ["cells.csv", "cells.parquet", "cells.h5ad"])
def test_no_canary_is_in_the_dataset_nor_on_the_screen(tmp_path: Path, table: str) -> None:
    if table.endswith(".h5ad"):
        pytest.importorskip("h5py")
    raw = write_other_folder(tmp_path / "raw", table)
    built = spora_build("convert", raw.path, "--jobs", 1, cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    layout = Layout(tmp_path / NAME)
    assert set(pd.read_parquet(layout.cells_table)["cell_type"]) == {"tumour", "T"}
    assert not canaries(layout.root)
    sung = tokens_in(built.stdout + built.stderr) - raw.canaries.of("name of")
    assert not {raw.canaries.meaning[token] for token in sung}
    if table == "cells.csv":
        assert not _says_where_it_was_made(layout.root, tmp_path)
        if os.name == "posix":
            assert not [path for path in layout.private.rglob("*") if path.stat().st_mode & 0o077]


def _says_where_it_was_made(root: Path, folder: Path) -> list[str]:
    """Files with the path, or with the name of the machine or the user where it is long enough to say something."""
    names = [os.uname().nodename, os.environ.get("USER", "")] if os.name == "posix" else []
    marks = [str(folder), *(name for name in names if len(name) >= 6)]
    files = [path for path in root.rglob("*") if path.is_file()]
    return [path.name for path in files if any(mark.encode() in path.read_bytes() for mark in marks)]
