"""Worker processes of this machine: forked from one that has imported what most jobs need, kept from stage to stage."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from multiprocessing.connection import wait
from typing import Any, TypeVar

from spora_build.workflows.running.free_memory import free_memory
from spora_build.workflows.running.quiet import keep_quiet

J = TypeVar("J")
R = TypeVar("R")


class _Kept:
    """Processes that wait for the next stage, if there are any."""

    def __init__(self) -> None:
        self.pool: ProcessPoolExecutor | None = None
        self.workers = 0

    def take(self, workers: int) -> ProcessPoolExecutor:
        """Those that wait, if they are so many; else new ones."""
        if self.workers != workers or (self.pool is not None and self.pool._broken):
            self.end()
        pool, self.pool, self.workers = self.pool, None, workers
        return pool or _start_pool(workers)

    def end(self) -> None:
        """End them, and their memory."""
        if self.pool is not None:
            self.pool.shutdown()
            self.pool = None


_kept: ContextVar[_Kept | None] = ContextVar("kept", default=None)


@contextmanager
def keep_processes() -> Iterator[None]:
    """Let the processes of one stage go on to the next ones of the block: what a stage imports is imported once."""
    kept = _Kept()
    token = _kept.set(kept)
    try:
        yield
    finally:
        _kept.reset(token)
        kept.end()


def end_kept_processes() -> None:
    """End those that wait: for work that goes on in this process because memory is short."""
    kept = _kept.get()
    if kept is not None:
        kept.end()


@contextmanager
def open_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Up to so many processes, for jobs handed in as ``pool.submit(run_job, work, job)``.

    They are started as they are needed, and killed where they are when the block raises: what they were at is
    unfinished in any case, and swept away by who holds the dataset.
    """
    kept = _kept.get()
    pool = _start_pool(workers) if kept is None else kept.take(workers)
    try:
        yield pool
    except BaseException:
        _kill(pool)
        raise
    if kept is None or pool._broken:
        pool.shutdown()
    else:
        kept.pool = pool


_last_work: Any = None


def run_job(work: Callable[[J], R], job: J) -> R:
    """In a worker: ``work(job)``, after the memory was given back that the jobs of another stage had freed."""
    global _last_work
    if _last_work not in {None, work}:
        free_memory()
    _last_work = work
    return work(job)


def _start_pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=_context(), initializer=_start_worker)


def _kill(pool: ProcessPoolExecutor) -> None:
    processes = list((pool._processes or {}).values())
    for process in processes:
        with suppress(OSError, ValueError):
            process.kill()
    pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    keep_quiet()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent decides
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """Without its parent a worker would go on writing into a dataset that a next build holds."""
    wait([sentinel])
    os._exit(1)


def _context() -> multiprocessing.context.BaseContext:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    what_jobs_need = [name for name in ("pandas",) if name in sys.modules]  # slow to import; most jobs do without
    context.set_forkserver_preload(["spora_build.workflows.running.preload", *what_jobs_need])
    _start_fork_server()
    return context


def _start_fork_server() -> None:
    """Start the process that workers are forked from so that it never hears the terminal's interruptions.

    It ignores them once it runs; while it still starts, one would end it with a traceback of its own. They wait here
    meanwhile, and what is blocked stays blocked in whatever is started.
    """
    from multiprocessing import forkserver, resource_tracker

    resource_tracker.ensure_running()  # first, since it opens the way for signals again when it has started
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
