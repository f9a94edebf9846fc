"""Who runs the jobs: processes of this machine, or a cluster that the command was given.

A stage hands its jobs to :func:`spora_build.workflows.running.jobs.run_jobs` and does not ask. The command says
once, around everything, ``with use_resources(Resources(cluster)): …``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, TypeVar

J = TypeVar("J")
R = TypeVar("R")

Need = Callable[[J], int]
"""Bytes of memory that a job needs at most, told before it runs."""


class Cluster(Protocol):
    """Workers elsewhere."""

    @property
    def slots(self) -> int:
        """Jobs that run at once."""
        ...

    @property
    def threads(self) -> int:
        """Threads that each job may use."""
        ...

    @property
    def memory(self) -> int | None:
        """Bytes that the smallest worker has; None where nobody says."""
        ...

    def run(
        self, work: Callable[[J], R], jobs: Mapping[int, J], keep: Callable[[int, R], None], need: Need[J] | None
    ) -> list[int]:
        """Run jobs; ``keep`` hears each result as it comes. Returns those whose workers died, sorted."""
        ...


@dataclass(frozen=True)
class Resources:
    """What a command may use."""

    cluster: Cluster | None = None
    """None: processes of this machine."""
    memory: int | None = None
    """Bytes that all jobs of this machine together may need; None: no limit. A cluster's workers have their own."""


PROCESS_BYTES = 300_000_000
"""Interpreter, packages and compiled kernels of one process: part of what each job needs."""
_HERE = Resources()
_resources: ContextVar[Resources] = ContextVar("resources", default=_HERE)


def current_resources() -> Resources:
    """What jobs may use here and now."""
    return _resources.get()


@contextmanager
def use_resources(resources: Resources) -> Iterator[None]:
    """Run the block with these resources."""
    token = _resources.set(resources)
    try:
        yield
    finally:
        _resources.reset(token)


def fitting_workers(workers: int, needs: list[int]) -> int:
    """How many of the workers may run at once: their jobs stay below the limit whichever they are; at least one."""
    memory = current_resources().memory
    if memory is None or not needs:
        return workers
    total, fitting = 0, 0
    for need in sorted(needs, reverse=True)[:workers]:
        total += need
        if total > memory:
            break
        fitting += 1
    return max(1, fitting)


def fitting_threads(threads: int, needs: Sequence[Callable[[int], int]]) -> int:
    """The most threads per job, up to ``threads``, with which each needs no more than there is; at least one.

    ``needs`` give the bytes of each job with a number of threads.
    """
    resources = current_resources()
    memory = resources.memory if resources.cluster is None else resources.cluster.memory
    while threads > 1 and memory is not None and any(need(threads) > memory for need in needs):
        threads -= 1
    return threads
