"""How a process starts: how many threads it has once numpy is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts threads as Linux lists them")
COUNT = "import numpy, os; print(len(os.listdir('/proc/self/task')))"
BEFORE = "from spora_build.workflows.running.process_start import start_process; start_process(); "


def output(code: str, **environment: str) -> list[str]:
    left = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    ran = subprocess.run(
        [sys.executable, "-c", code], env={**left, **environment}, capture_output=True, text=True, check=True
    )
    return ran.stdout.split()


def test_numpy_starts_no_threads_of_its_own() -> None:
    assert output(BEFORE + COUNT) == ["1"]


def test_what_the_environment_says_stays() -> None:
    says = {"OPENBLAS_NUM_THREADS": "2"}
    assert output(BEFORE + COUNT, **says) == output(COUNT, **says)


def test_the_command_line_says_so_before_numpy_is_there() -> None:
    command = "lambda: print(os.environ['OPENBLAS_NUM_THREADS'], 'numpy' in sys.modules)"
    assert output(f"import os, sys; from spora_build.cli.exits import run; run({command})") == ["1", "False"]
