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


_MOST_ON_WINDOWS = 61
"""Processes that Windows lets one wait for."""


class _Kept:
    """Processes that wait for the next stage, if there are any."""

    def __init__(self) -> None:
        self._waiting: tuple[int, ProcessPoolExecutor] | None = None

    def take(self, workers: int) -> ProcessPoolExecutor:
        """Those that wait, if they are so many and all alive; else new ones."""
        if self._waiting is not None:
            number, pool = self._waiting
            if number == workers and _are_alive(pool):
                self._waiting = None
                return pool
        self.end()
        return _start_pool(workers)

    def give(self, workers: int, pool: ProcessPoolExecutor) -> None:
        """Keep a pool. One process alone is not kept: whoever asks for one asks for a new one."""
        self.end()
        if workers > 1 and not pool._broken:
            self._waiting = workers, pool
        else:
            pool.shutdown()

    def end(self) -> None:
        """End them, and their memory."""
        if self._waiting is not None:
            self._waiting[1].shutdown()
            self._waiting = None


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
    """End those that wait, and the memory that they hold: for work that has to do with this process."""
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
    if kept is None:
        pool.shutdown()
    else:
        kept.give(workers, pool)


_last_work: Any = None


def run_job(work: Callable[[J], R], job: J) -> R:
    """In a worker: ``work(job)``, after the memory was given back that the jobs of another stage had freed."""
    global _last_work
    if _last_work is not None and _last_work is not work:
        free_memory()
    _last_work = work
    return work(job)


def _start_pool(workers: int) -> ProcessPoolExecutor:
    if sys.platform == "win32":
        workers = min(workers, _MOST_ON_WINDOWS)
    return ProcessPoolExecutor(workers, mp_context=_context(), initializer=_start_worker)


def _are_alive(pool: ProcessPoolExecutor) -> bool:
    """Whether none has died while it waited, as the pool itself learns a moment later."""
    return not pool._broken and not wait([process.sentinel for process in (pool._processes or {}).values()], 0)


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
