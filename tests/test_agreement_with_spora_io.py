"""What the library that everybody loads with refuses, validate refuses.

Runs where spora-io is installed, or where the environment variable names a Python that has it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spora_build.workflows.checking.validate import validate
from tests.checks.build_dataset import GENES, build_dataset
from tests.checks.test_every_rule import CORRUPTIONS

PYTHON = os.environ.get("SPORA_BUILD_SPORA_IO_PYTHON") or (
    sys.executable if importlib.util.find_spec("spora_io") else None
)
SCRIPT = Path(__file__).with_name("refused_by_spora_io.py")
ONE_RESOLUTION_LACKS_A_TISSUE = {"V402"}
"""A warning though the reader stops there: native pixel sizes that differ and partial downloads make such datasets."""


@pytest.mark.faults
@pytest.mark.spora_io
@pytest.mark.skipif(PYTHON is None, reason="spora-io is not installed")
def test_what_the_reader_refuses_is_an_error(tmp_path: Path) -> None:
    clean = build_dataset(tmp_path / "clean")
    roots = [clean]
    for at, corruption in enumerate(CORRUPTIONS):
        root = Path(shutil.copytree(clean, tmp_path / f"{at:03d}" / clean.name))
        renamed = corruption.apply(root)
        roots.append(renamed if isinstance(renamed, Path) else root)
    asked = "".join(f"{root}\n" for root in roots)
    answer = subprocess.run([str(PYTHON), str(SCRIPT)], input=asked, capture_output=True, text=True, check=True)
    nothing, *said = map(json.loads, answer.stdout.splitlines())
    assert nothing == [], "the clean dataset loads"
    refused = [(c, root, why) for c, root, why in zip(CORRUPTIONS, roots[1:], said, strict=True) if why]
    assert len(refused) > 50  # the reader was really asked
    missed = []
    for corruption, root, why in refused:
        if corruption.code not in ONE_RESOLUTION_LACKS_A_TISSUE:
            report = validate(root, deep=True, is_gene_symbol=GENES.__contains__)
            if report.exit_code() == 0:
                missed.append(f"{corruption}: {why[0]}; found only {[f.code for f in report.findings]}")
    assert missed == []
