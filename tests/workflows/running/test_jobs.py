"""Jobs on processes: order, errors and deaths."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spora_build.errors import EnvironmentFaultError
from spora_build.workflows.running.jobs import run_jobs, threads_each


def square(number: int) -> int:
    return number * number


def die_on_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.02)
    return number


def minus_one(job: int, error: EnvironmentFaultError) -> int:
    assert error.problems[0].code == "E-ENV-010"
    return -1


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_jobs(workers: int) -> None:
    heard: list[int] = []
    results = run_jobs(square, range(7), workers=workers, on_killed=minus_one, on_result=heard.append)
    assert results == [0, 1, 4, 9, 16, 25, 36]
    assert sorted(heard) == results


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_killed_worker_costs_its_own_job_only() -> None:
    assert run_jobs(die_on_three, range(6), workers=2, on_killed=minus_one) == [0, 1, 2, -1, 4, 5]


@pytest.mark.parametrize(("workers", "jobs", "threads"), [(8, 3, 2), (2, 100, 1), (4, 0, 4), (1, 5, 1)])
def test_few_large_jobs_share_the_cores(workers: int, jobs: int, threads: int) -> None:
    assert threads_each(workers, jobs) == threads


IMPORTED_BY_WORKERS = """
import sys
from spora_build.workflows.running.jobs import run_jobs

def has_pandas(_):
    return "pandas" in sys.modules

if __name__ == "__main__":
    if sys.argv[1:]:
        __import__(sys.argv[1])
    print(*run_jobs(has_pandas, [1, 2], workers=2, on_killed=print))
"""


@pytest.mark.skipif("forkserver" not in multiprocessing.get_all_start_methods(), reason="workers are started anew")
@pytest.mark.parametrize(("words", "told"), [([], "False False"), (["pandas"], "True True")])
def test_workers_are_forked_with_what_their_parent_needed(tmp_path: Path, words: list[str], told: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(IMPORTED_BY_WORKERS)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, str(script), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == told
