"""Killed at any moment, a build leaves tissues whole or absent; run again, it ends in the bytes of an unhurt one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.tiny_cohort import environment

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and forks")
NURSERY = Path(__file__).with_name("nursery.py")


def deaths(cohort: Path, folder: Path, scenario: str, first: str, step: int, count: int) -> list[dict[str, object]]:
    """What the nursery tells of each death."""
    for name in ("start", "reference"):
        (folder / name).symlink_to(cohort / name)
    words = [str(cohort / "raw"), str(folder), scenario, first, str(step), str(count)]
    done = subprocess.run(
        [sys.executable, str(NURSERY), *words], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def hold_the_promises(told: list[dict[str, object]]) -> int:
    """Check every death; the number of builds that really died."""
    for death in told:
        assert death["half"] == [], death
        assert death["code"] == 0, death
        assert death["differs"] == [], death
        assert death["raw"], death
        assert death["died"] in (0, -9), death
    return sum(death["died"] == -9 for death in told)


@pytest.mark.parametrize(("scenario", "first"), [("first", 40), ("refresh", 30)])
def test_a_few_changes_of_the_disk(cohort: Path, tmp_path: Path, scenario: str, first: int) -> None:
    assert hold_the_promises(deaths(cohort, tmp_path, scenario, str(first), 290, 3)) >= 2


def test_a_worker_and_its_parent_at_once(cohort: Path, tmp_path: Path) -> None:
    hold_the_promises(deaths(cohort, tmp_path, "refresh", "random", 1, 1))


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("scenario", ["first", "refresh"])
def test_many_changes_of_the_disk(cohort: Path, tmp_path: Path, scenario: str) -> None:
    """About every eighth; raise the share by a smaller step where there is time."""
    assert hold_the_promises(deaths(cohort, tmp_path, scenario, "1", 8, 1000)) >= 50


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("scenario", ["first", "refresh"])
def test_two_workers_at_any_time(cohort: Path, tmp_path: Path, scenario: str) -> None:
    assert hold_the_promises(deaths(cohort, tmp_path, scenario, "random", 7, 30)) >= 15
