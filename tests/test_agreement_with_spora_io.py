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

from spora_build.checks.core import rules
from spora_build.errors import Severity
from spora_build.workflows.checking.validate import validate
from tests.checks.build_dataset import GENES, build_dataset
from tests.checks.test_every_rule import CORRUPTIONS

PYTHON = os.environ.get("SPORA_BUILD_SPORA_IO_PYTHON") or (
    sys.executable if importlib.util.find_spec("spora_io") else None
)
SCRIPT = Path(__file__).with_name("refused_by_spora_io.py")
ONE_RESOLUTION_LACKS_IMAGES = {"V402", "V952"}
"""Of a tissue, of a modality. A warning though the reader stops there: native pixel sizes that differ and partial
downloads make such datasets."""


SEVERITIES = {rule.code: rule.severity for rule in rules()}
MILD = [corruption for corruption in CORRUPTIONS if SEVERITIES[corruption.code] is not Severity.ERROR]
"""All others are errors already, whatever the reader does."""
STOPS = [corruption for corruption in CORRUPTIONS if corruption.code in ("V102", "V321", "V405", "V502")][:4]
"""The reader is known to stop at some of these: so it is really asked."""


@pytest.mark.faults
@pytest.mark.spora_io
@pytest.mark.skipif(PYTHON is None, reason="spora-io is not installed")
def test_what_the_reader_refuses_is_an_error(tmp_path: Path) -> None:
    clean = build_dataset(tmp_path / "clean")
    asked = {}
    for at, corruption in enumerate([*STOPS, *MILD]):
        root = Path(shutil.copytree(clean, tmp_path / f"{at:03d}" / clean.name))
        renamed = corruption.apply(root)
        asked[renamed if isinstance(renamed, Path) else root] = corruption
    lines = "".join(f"{root}\n" for root in (clean, *asked))
    answer = subprocess.run([str(PYTHON), str(SCRIPT)], input=lines, capture_output=True, text=True, check=True)
    of_clean, *said = map(json.loads, answer.stdout.splitlines())
    assert of_clean == []
    assert sum(map(bool, said[: len(STOPS)])) >= 2
    missed = []
    for (root, corruption), why in zip(asked.items(), said, strict=True):
        if why and corruption.code not in ONE_RESOLUTION_LACKS_IMAGES:
            report = validate(root, deep=True, is_gene_symbol=GENES.__contains__)
            if report.exit_code() == 0:
                missed.append(f"{corruption}: {why[0]}; found only {[f.code for f in report.findings]}")
    assert missed == []
