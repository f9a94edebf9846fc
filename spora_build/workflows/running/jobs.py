"""Run small picklable jobs on several processes; results come back in the order of the jobs."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import TypeVar

from spora_build.errors import EnvironmentFaultError, Problem
from spora_build.workflows.running.executors import Need, current_resources, fitting_workers
from spora_build.workflows.running.processes import end_kept_processes, open_pool, run_job

J = TypeVar("J")
R = TypeVar("R")


def default_workers() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def count_slots(workers: int) -> int:
    """Jobs that can run at once: ``workers`` here, or the cluster's number."""
    cluster = current_resources().cluster
    return workers if cluster is None else cluster.slots


def threads_each(workers: int, jobs: int) -> int:
    """Threads of each of the processes that a number of jobs is for: few large ones share the cores by threads.

    On a cluster, its own number.
    """
    cluster = current_resources().cluster
    if cluster is not None:
        return cluster.threads
    return max(1, workers // max(1, min(workers, jobs)))


def worker_killed() -> EnvironmentFaultError:
    """The error of a job whose process was killed, most often for want of memory."""
    return EnvironmentFaultError(
        Problem(
            "E-ENV-010",
            "the worker process was killed, most likely because the machine ran out of memory.",
            "run again with fewer workers (--jobs 1) or on a machine with more memory.",
        )
    )


def too_little_memory(need: int, memory: int) -> EnvironmentFaultError:
    """The error of a job that needs more than all jobs together may have."""
    return EnvironmentFaultError(
        Problem(
            "E-ENV-016",
            f"the work may need {math.ceil(need / 1e6)} MB, and --memory allows {memory // 1_000_000}.",
            "run again with that much, or on a machine that has it.",
        )
    )


def run_jobs(
    work: Callable[[J], R],
    jobs: Sequence[J],
    *,
    workers: int = 1,
    on_killed: Callable[[J, EnvironmentFaultError], R],
    on_result: Callable[[R], None] | None = None,
    need: Need[J] | None = None,
) -> list[R]:
    """``[work(job) for job in jobs]``, on ``workers`` processes or on the cluster in use, whatever their number.

    ``work`` is a module-level function that turns its own errors into results. ``on_killed`` makes the result of a job
    whose process died: the jobs that were under way at a death run again, each in a process of its own, so that only
    the killer is lost. ``on_result`` hears of each result as it comes, in any order, in this process; what it raises
    stops everything, as an interruption does: workers are killed where they are. With ``need`` the jobs that run at
    once never need more than the memory in use; one that does alone is not run, and ``on_killed`` makes its result.
    """
    cluster, memory = current_resources().cluster, current_resources().memory
    results: dict[int, R] = {}

    def keep(index: int, result: R) -> None:
        results[index] = result
        if on_result is not None:
            on_result(result)

    waiting = dict(enumerate(jobs))
    if need is not None and memory is not None and cluster is None:
        for index, job in enumerate(jobs):
            if need(job) > memory:
                keep(index, on_killed(job, too_little_memory(need(job), memory)))
                del waiting[index]
        workers = fitting_workers(workers, [need(job) for job in waiting.values()])
    if cluster is None and (workers <= 1 or len(waiting) <= 1):
        if workers <= 1:
            end_kept_processes()
        for index, job in waiting.items():
            keep(index, work(job))
        return [results[index] for index in range(len(jobs))]

    def run(some: dict[int, J]) -> list[int]:
        if cluster is not None:
            return cluster.run(work, some, keep, need)
        return _run_pool(work, some, 1 if len(some) == 1 else workers, keep)

    while waiting:
        suspects = run(waiting)
        for index in suspects:
            if run({index: jobs[index]}):
                keep(index, on_killed(jobs[index], worker_killed()))
        waiting = {index: job for index, job in waiting.items() if index not in results}
    return [results[index] for index in range(len(jobs))]


def _run_pool(work: Callable[[J], R], jobs: dict[int, J], workers: int, keep: Callable[[int, R], None]) -> list[int]:
    """Jobs that may have killed their process: those that had been started when one died."""
    lost: list[int] = []
    with open_pool(workers) as pool:
        futures: dict[Future[R], int] = {}
        with suppress(BrokenProcessPool):  # a worker may die before the last job is handed in
            for index, job in jobs.items():
                futures[pool.submit(run_job, work, job)] = index
        for future in as_completed(futures):
            try:
                result = future.result()
            except BrokenProcessPool:
                lost.append(futures[future])
                continue
            keep(futures[future], result)
    # jobs are taken in their order: of those without a result only the first can have been under way
    return sorted(lost)[: workers + 1]
