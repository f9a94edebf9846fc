"""Ten thousand damaged files: each is read or refused with a typed error, in seconds and within a fixed memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits of memory")
FUZZER = Path(__file__).with_name("fuzz_readers.py")
SECONDS = 20.0
"""Longest that one file may take on a busy machine."""


def fuzz(folder: Path, seed: int, count: int, timeout_s: float) -> list[dict[str, object]]:
    """What came of each damaged file."""
    command = [sys.executable, str(FUZZER), str(folder), str(seed), str(count)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        pytest.fail(f"hung at {(folder / 'at').read_text()} of seed {seed}")
    assert done.returncode == 0, f"died at {(folder / 'at').read_text()} of seed {seed}: {done.stderr[-500:]}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def judge(told: list[dict[str, object]], count: int) -> None:
    assert len(told) == count
    assert [one for one in told if str(one["end"]).startswith("traceback")] == []
    assert [one for one in told if float(str(one["seconds"])) > SECONDS] == []
    # the damage must matter: files that all read, or all fail to be recognised, would test nothing
    assert {"read"} < {str(one["end"]) for one in told}


def test_a_few_hundred_damaged_files(tmp_path: Path) -> None:
    judge(fuzz(tmp_path, 1, 300, 300), 300)


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("seed", range(10, 20))
def test_ten_thousand_damaged_files(tmp_path: Path, seed: int) -> None:
    judge(fuzz(tmp_path, seed, 1000, 1800), 1000)
