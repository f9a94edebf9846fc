"""Canaries in every text of every raw file and sheet: none may sing in anything that a build shares."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr

from spora_build.store.layout import Layout
from tests.canary.raw_folder import LABEL, RawFolder, write_raw_folder
from tests.canary.search import DATES, canaries, in_bytes, tokens_in

NAME = "smith2023novel"
NAMES = ("name of",)
"""Tokens of file names: messages on the contributor's own screen name files, nothing else may."""

pytestmark = pytest.mark.slow


def spora_build(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own, as people run it."""
    command = [sys.executable, "-W", "always", "-c", "from spora_build.cli.app import main; main()"]
    return subprocess.run([*command, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> RawFolder:
    return write_raw_folder(tmp_path_factory.mktemp("canary") / "raw")


@pytest.fixture(scope="module")
def built(raw: RawFolder) -> subprocess.CompletedProcess[str]:
    return spora_build("convert", raw.path, "--out", raw.path.parent / "out", "--jobs", 2, cwd=raw.path.parent)


@pytest.fixture(scope="module")
def dataset(raw: RawFolder, built: subprocess.CompletedProcess[str]) -> Layout:
    assert built.returncode == 0, built.stderr
    return Layout(raw.path.parent / "out" / NAME)


def assert_nothing_but_names(raw: RawFolder, text: str) -> None:
    sung = tokens_in(text)
    assert not {token: raw.canaries.meaning.get(token, "a date") for token in sung - raw.canaries.of(*NAMES)}
    assert "Traceback" not in text


def test_the_search_hears_every_canary_in_the_raw_folder(raw: RawFolder) -> None:
    heard = set().union(*canaries(raw.path).values())
    assert heard >= {*raw.canaries.meaning, *DATES}
    assert len(raw.canaries.meaning) > 500


@pytest.mark.parametrize("ending", ["parquet", "npz", "json", "zarr"])
def test_the_search_hears_what_is_compressed(tmp_path: Path, ending: str) -> None:
    token = "canaryzq123"
    if ending == "parquet":
        pd.DataFrame({"a": [token] * 999}).to_parquet(tmp_path / "t.parquet", compression="zstd")
    elif ending == "npz":
        np.savez_compressed(tmp_path / "m.npz", mask=np.array([token] * 999))
    elif ending == "zarr":
        letters = np.tile(np.frombuffer(token.encode(), np.uint8), 999)
        zarr.create_array(tmp_path / "0", data=letters, chunks=(11 * 999,))
    else:
        (tmp_path / f"{token}.json").write_text("{}")
    assert {token} == set().union(*canaries(tmp_path).values())


def test_every_format_was_built(raw: RawFolder, dataset: Layout) -> None:
    table = pd.read_parquet(dataset.tissues_table)
    assert len(table) == len(raw.rows)
    assert {"hashed", "mrn", "surgery", "block", "stage"} <= set(table)
    assert set(pd.read_parquet(dataset.cells_table)) >= {"cell_id", "cell_type"}


def test_no_canary_is_in_the_dataset(dataset: Layout) -> None:
    assert not canaries(dataset.root)


def test_no_label_or_macro_is_in_the_dataset(dataset: Layout) -> None:
    """Each reader's fixture has labels, macros, thumbnails and levels of one value; scans have none near it."""
    seen = 0
    for path in dataset.root.glob("he/*/images/*.ome.zarr/*/zarr.json"):
        pixels = np.asarray(zarr.open_array(path.parent, mode="r")[...])
        assert int(pixels[:2].max(axis=0).min()) > LABEL + 4, path
        seen += 1
    assert seen >= 2 * 9


def test_what_a_good_build_says_has_nothing_but_file_names(
    raw: RawFolder, built: subprocess.CompletedProcess[str]
) -> None:
    assert_nothing_but_names(raw, built.stdout + built.stderr)
    assert not tokens_in(built.stdout)


def test_the_commands_that_read_a_dataset_have_nothing_to_sing(dataset: Layout) -> None:
    for command in (
        ["validate", "--deep"],
        ["validate", "--json", "--junit", "junit.xml"],
        ["privacy-check"],
        ["privacy-check", "--json"],
        ["mask", "--existing", "overwrite"],
        ["tile", "--existing", "overwrite"],
        ["stats", "--existing", "overwrite"],
        ["cells", "--existing", "overwrite"],
        ["repair"],
        ["ids", "show"],
    ):
        done = spora_build(*command, cwd=dataset.root)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert not tokens_in(done.stdout + done.stderr), command
    assert not in_bytes((dataset.root / "junit.xml").read_bytes())
    (dataset.root / "junit.xml").unlink()
    assert not canaries(dataset.root)


def test_a_report_has_no_canary(dataset: Layout, tmp_path: Path) -> None:
    done = spora_build("report", "--out", tmp_path / "page.html", cwd=dataset.root)
    assert done.returncode == 0, done.stderr
    assert not tokens_in(done.stdout + done.stderr)
    page = (tmp_path / "page.html").read_bytes()
    assert len(page) > 10_000
    assert not in_bytes(page)


def test_what_failing_builds_say_has_nothing_but_file_names(raw: RawFolder, tmp_path: Path) -> None:
    folder = write_raw_folder(tmp_path / "raw").path
    for row in raw.rows:
        path = folder / row["image"]
        files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
        for file in files:
            content = bytearray(file.read_bytes())
            middle = len(content) // 2
            content[middle : middle + len(content) // 4] = b"\xa5" * (len(content) // 4)
            file.write_bytes(bytes(content))
    done = spora_build("convert", folder, "--out", tmp_path / "out", "--jobs", 2, cwd=tmp_path)
    assert done.returncode in (1, 3)
    assert_nothing_but_names(raw, done.stdout + done.stderr)
    for row in raw.rows:
        path = folder / row["image"]
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    done = spora_build("convert", folder, "--out", tmp_path / "out2", "--jobs", 2, cwd=tmp_path)
    assert done.returncode == 1
    assert_nothing_but_names(raw, done.stdout + done.stderr)
    assert not canaries(tmp_path / "out" / NAME)


def test_what_is_wrong_in_sheets_is_told_by_row(raw: RawFolder, tmp_path: Path) -> None:
    """Patients without clinical rows, one tissue of two patients, cells of nobody, dates that cannot be read."""
    folder = write_raw_folder(tmp_path / "raw").path
    first, second, third = raw.rows[:3]
    for sheet, changes in {
        "tissues.csv": {second["biopsy"]: first["biopsy"], third["patient"]: third["patient"].upper()},
        "clinical.csv": {first["patient"]: f"{first['patient']}x", "1987-02-01": f"about {raw.rows[3]['patient']}"},
        "cells.csv": {first["tissue"]: f"{first['tissue']}y", "tumour": "tumour,,,", ",2,": ",two,"},
    }.items():
        text = (folder / sheet).read_text()
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        (folder / sheet).write_text(text)
    done = spora_build("convert", folder, "--out", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 1
    assert {"E-TISSUE-019", "E-CELL-004", "E-SHEET-005"} & set(re.findall(r"[EW]-[A-Z]+-\d{3}", done.stderr))
    assert_nothing_but_names(raw, done.stdout + done.stderr)


def test_what_the_gate_refuses_is_not_shown(raw: RawFolder, tmp_path: Path) -> None:
    folder = write_raw_folder(tmp_path / "raw").path
    settings = folder / "spora.toml"
    settings.write_text(settings.read_text().split("[privacy.columns]")[0])
    done = spora_build("convert", folder, "--out", tmp_path / "out", "--jobs", 2, cwd=tmp_path)
    assert done.returncode == 4
    assert_nothing_but_names(raw, done.stdout + done.stderr)
    assert not (tmp_path / "out").exists()
