"""What becomes of images needs no pandas: importing it takes longer than all tables of a small cohort."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.workflows.lab_folder import brightfield, noise, write_ome, write_tiff

STUB = """
import os, traceback
with open(os.environ["WHO_IMPORTED_PANDAS"], "a") as file:
    traceback.print_stack(file=file)
raise ImportError("this pandas only tells who wanted it")
"""
COMMANDS = """
import sys
from spora_build.cli.app import main
raw, out = sys.argv[1:]
dataset = f"{out}/smith2023plain"
convert = ["convert", raw, "--name", "smith2023plain", "--out", out, "--jobs"]
again = ["--dataset", dataset, "--existing", "overwrite", "--jobs", "1"]
stages = [[stage, *again] for stage in ("mask", "tile", "stats")]
for words in ([*convert, "2"], [*convert, "1"], *stages):
    sys.argv[:] = ["spora-build", *words]
    try:
        main()
    except SystemExit as end:
        assert not end.code, words
"""


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Three tissues without cells: integers and floats, a channel that one of them lacks, a slide beside them."""
    folder = tmp_path / "raw"
    write_ome(folder / "a.ome.tif", noise(2, 256, 256), ("DNA", "CD3E"))
    write_ome(folder / "b.ome.tif", noise(1, 256, 300, seed=1), ("DNA",))
    fractions = np.random.default_rng(2).random((2, 256, 256))
    write_ome(folder / "c.ome.tif", (noise(2, 256, 256) + fractions).astype(np.float32), ("DNA", "CD3E"))
    write_tiff(folder / "a.tif", brightfield(256, 256), mpp=0.5)
    rows = "a.ome.tif,1,codex,a\nb.ome.tif,2,codex,b\nc.ome.tif,2,codex,c\na.tif,1,he,a\n"
    (folder / "tissues.csv").write_text(f"image,patient,modality,tissue\n{rows}")
    (folder / "panel_codex.csv").write_text("channel,marker\nDNA,DNA\nCD3E,CD3E\n")
    (folder / "clinical.csv").write_text("patient,stage,age,smoker\n1,II,61,true\n2,,57,false\n")
    return folder


def test_no_process_of_a_cohort_without_cells_imports_pandas(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "stub").mkdir()
    (tmp_path / "stub" / "pandas.py").write_text(STUB)
    told = tmp_path / "who.txt"
    path = os.pathsep.join([str(tmp_path / "stub"), str(Path(__file__).parents[2])])
    environment = {**os.environ, "PYTHONPATH": path, "WHO_IMPORTED_PANDAS": str(told)}

    def python(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *words], env=environment, capture_output=True, text=True, check=False)

    done = python("-c", COMMANDS, str(raw), str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "smith2023plain" / "metadata" / "tissues.parquet").is_file()
    assert not told.exists(), told.read_text()
    python("-c", "import pandas")
    assert told.exists()
