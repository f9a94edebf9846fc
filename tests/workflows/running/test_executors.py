"""How many jobs run at once within a limit of memory."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import typer

from spora_build.cli.resources import parse_memory, resources
from spora_build.errors import EnvironmentFaultError
from spora_build.workflows.running.executors import (
    Resources,
    current_resources,
    fitting_threads,
    fitting_workers,
    use_resources,
)
from spora_build.workflows.running.jobs import run_jobs


@pytest.mark.parametrize(
    ("memory", "needs", "workers"),
    [
        (None, [10, 10, 10], 3),
        (30, [10, 10, 10], 3),
        (29, [10, 10, 10], 2),
        (30, [1, 1, 20, 10], 2),
        (31, [1, 1, 20, 10], 3),
        (5, [10, 1], 1),
        (5, [], 3),
    ],
)
def test_the_largest_jobs_fit_at_once(memory: int | None, needs: list[int], workers: int) -> None:
    with use_resources(Resources(memory=memory)):
        assert fitting_workers(3, needs) == workers
    assert current_resources() == Resources()


def span(file: Path) -> Path:
    """Note when a job began and ended."""
    began = time.time()
    time.sleep(0.3)
    file.write_text(f"{began} {time.time()} {os.getpid()}")
    return file


def most_at_once(files: list[Path]) -> int:
    """The largest number of jobs that were under way at the same moment."""
    spans = [tuple(map(float, file.read_text().split()[:2])) for file in files]
    return max(sum(begin <= at < end for begin, end in spans) for at, _ in spans)


def fail(job: Path, error: EnvironmentFaultError) -> Path:
    raise error


@pytest.mark.parametrize(("memory", "most"), [(None, 2), (199, 1)])
def test_no_more_jobs_run_at_once_than_memory_allows(tmp_path: Path, memory: int | None, most: int) -> None:
    jobs = [tmp_path / str(number) for number in range(4)]
    with use_resources(Resources(memory=memory)):
        assert run_jobs(span, jobs, workers=2, on_killed=fail, need=lambda _: 100) == jobs
    assert most_at_once(jobs) == most


def test_a_job_that_needs_more_than_there_is_fails_and_never_runs(tmp_path: Path) -> None:
    jobs = [tmp_path / str(number) for number in range(3)]

    def refused(job: Path, error: EnvironmentFaultError) -> Path:
        assert "E-ENV-016" in str(error) and "need 101 MB, and --memory allows 100" in str(error)
        return job / "refused"

    for workers in (1, 2):
        with use_resources(Resources(memory=100_000_000)):
            ends = run_jobs(span, jobs, workers=workers, on_killed=refused, need=lambda job: 10**8 + (job.name == "1"))
        assert ends == [jobs[0], jobs[1] / "refused", jobs[2]]
        assert not jobs[1].exists()


@pytest.mark.parametrize(("memory", "threads"), [(None, 8), (900, 8), (899, 7), (350, 2), (10, 1)])
def test_fewer_threads_where_memory_is_short(memory: int | None, threads: int) -> None:
    with use_resources(Resources(memory=memory)):
        assert fitting_threads(8, [lambda n: 100 + 100 * n, lambda n: 10 * n]) == threads


def test_memory_is_refused_for_a_cluster() -> None:
    with pytest.raises(typer.BadParameter, match="this machine"), resources(scheduler="tcp://x:1", memory="1GB"):
        pass


@pytest.mark.parametrize(
    ("text", "size"),
    [("800", 800), ("16GB", 16 * 10**9), ("16gib", 16 * 2**30), ("1.5 M", 1_500_000), ("2T", 2 * 10**12), ("3k", 3000)],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "16 bananas", "1e9", "iB5"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_memory(text)
