"""Folders that are moved or copied while a build is at work: the next build ends as if nothing had been."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.tiny_cohort import environment

pytestmark = pytest.mark.skipif(os.name != "posix", reason="open folders cannot be moved elsewhere")
MOVERS = Path(__file__).with_name("movers.py")
KINDS = ("dataset", "moment", "private", "both", "anew", "raw", "killed", "copied")
ENDS = {"killed": {0, -9}, "copied": {0, -9}, "raw": {0, 1, 3, 5}}
"""How a build ends whose folders are moved, beside 0 where it does not need them any more, 3 and 5."""


def moves(cohort: Path, folder: Path, scenario: str, kind: str, first: int, step: int, count: int) -> int:
    """Move, resume and compare; how many builds were really hit."""
    for name in ("start", "reference"):
        (folder / name).symlink_to(cohort / name)
    words = [str(cohort / "raw"), str(folder), scenario, kind, str(first), str(step), str(count)]
    done = subprocess.run(
        [sys.executable, str(MOVERS), *words], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    for move in told:
        assert move["half"] == [], move
        assert move["resumed"] == 0, move
        assert move["anew"] in (0, None), move
        assert move["differs"] == [], move
        assert move["raw"], move
        assert move["code"] in ENDS.get(kind, {0, 3, 5}), move
    return sum(move["moved"] and move["code"] != 0 for move in told)


@pytest.mark.parametrize(("kind", "at"), [("dataset", 226), ("moment", 160), ("anew", 120)])
def test_a_move_in_the_middle(cohort: Path, tmp_path: Path, kind: str, at: int) -> None:
    assert moves(cohort, tmp_path, "refresh", kind, at, 1, 1) == 1


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("scenario", ["first", "refresh"])
@pytest.mark.parametrize("kind", KINDS)
def test_many_moves(cohort: Path, tmp_path: Path, kind: str, scenario: str) -> None:
    assert moves(cohort, tmp_path, scenario, kind, 7, 37, 100) >= 3  # few builds of a refresh need the raw folder
