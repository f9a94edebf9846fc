"""Run small picklable jobs on several processes; results come back in the order of the jobs."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from enum import StrEnum
from typing import TypeVar

from spora_build.errors import EnvironmentFaultError, Problem
from spora_build.workflows.quiet import keep_quiet

J = TypeVar("J")
R = TypeVar("R")


class Existing(StrEnum):
    """What to do about work that is there already."""

    REFRESH = "refresh"
    SKIP = "skip"
    OVERWRITE = "overwrite"
    ERROR = "error"


def default_workers() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def split_workers(workers: int, jobs: int) -> tuple[int, int]:
    """(processes, threads in each) for a number of workers and jobs: few large jobs share the cores by threads."""
    processes = max(1, min(workers, jobs))
    return processes, max(1, workers // processes)


def worker_killed() -> EnvironmentFaultError:
    """The error of a job whose process was killed, most often for want of memory."""
    return EnvironmentFaultError(
        Problem(
            "E-ENV-010",
            "the worker process was killed, most likely because the machine ran out of memory.",
            "run again with fewer workers (--jobs 1) or on a machine with more memory.",
        )
    )


def run_jobs(
    work: Callable[[J], R],
    jobs: Sequence[J],
    *,
    workers: int = 1,
    on_killed: Callable[[J, EnvironmentFaultError], R],
    on_result: Callable[[R], None] | None = None,
) -> list[R]:
    """``[work(job) for job in jobs]``, on ``workers`` processes, whatever their number.

    ``work`` is a module-level function that turns its own errors into results. ``on_killed`` makes the result of a job
    whose process died: after a death the jobs that had not ended run again, each in a process of its own, so that only
    the killer is lost. ``on_result`` hears of each result as it comes, in any order, in this process.
    """
    results: dict[int, R] = {}

    def keep(index: int, result: R) -> None:
        results[index] = result
        if on_result is not None:
            on_result(result)

    if workers <= 1 or len(jobs) <= 1:
        for index, job in enumerate(jobs):
            keep(index, work(job))
        return [results[index] for index in range(len(jobs))]

    _run_pool(work, dict(enumerate(jobs)), min(workers, len(jobs)), keep)
    for index, job in enumerate(jobs):
        if index not in results:
            _run_pool(work, {index: job}, 1, keep)
            if index not in results:
                keep(index, on_killed(job, worker_killed()))
    return [results[index] for index in range(len(jobs))]


def _run_pool(work: Callable[[J], R], jobs: dict[int, J], workers: int, keep: Callable[[int, R], None]) -> None:
    pool = ProcessPoolExecutor(workers, mp_context=_context(), initializer=keep_quiet)
    try:
        futures: dict[Future[R], int] = {pool.submit(work, job): index for index, job in jobs.items()}
        for future in as_completed(futures):
            try:
                result = future.result()
            except BrokenProcessPool:
                continue
            keep(futures[future], result)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _context() -> multiprocessing.context.BaseContext:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["spora_build.workflows.preload"])
    return context
