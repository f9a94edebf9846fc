"""Jobs on a Dask cluster that is there already: SLURM, Kubernetes, or a few machines with `dask worker`.

with open_cluster("tcp://host:8786", writable=[out], readable=[raw]) as cluster, use_resources(Resources(cluster)):
    build(conversion, request)
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from spora_build.errors import EnvironmentFaultError, Problem
from spora_build.workflows.running.dask_workers import (
    Terms,
    agree,
    look_at_workers,
    other_software,
    put_witnesses,
    software,
)
from spora_build.workflows.running.executors import Need
from spora_build.workflows.running.memory_gate import GATE
from spora_build.workflows.running.quiet import keep_quiet

J = TypeVar("J")
R = TypeVar("R")

CONNECT_S = 30.0
FIRST_WORKER_S = 600.0
"""Longest wait for a worker: at the start, and where all of them are gone."""
_LOOK_S = 5.0


@dataclass(frozen=True)
class Parcel:
    """A job and what is to be done with it. Dask writes the arguments of a task that fails into its logs: not these."""

    work: Callable[[Any], Any] = field(repr=False)
    job: Any = field(repr=False)
    need: int = 0
    """Bytes of memory."""
    terms: Terms = field(default_factory=lambda: Terms(()), repr=False)


def _do(parcel: Parcel) -> Any:
    """On a worker: the work, as soon as its memory has room beside what its other threads are at."""
    from distributed import get_worker

    keep_quiet()
    agree(parcel.terms)
    # not by Dask's own resources: tasks that wait for one are never looked at again when a later worker declares it
    limit = get_worker().memory_manager.memory_limit or _physical_memory()
    with GATE.hold(parcel.need, limit):
        return parcel.work(parcel.job)


def _physical_memory() -> int:
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", ()):
        return sys.maxsize
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@dataclass
class DaskCluster:
    """A connected cluster. See :class:`spora_build.workflows.running.executors.Cluster`."""

    client: Any = field(repr=False)
    threads: int = 1
    terms: Terms = field(default_factory=lambda: Terms(()), repr=False)

    @property
    def slots(self) -> int:
        """Threads of all workers: tasks that Dask runs at once."""
        return max(1, sum(int(worker["nthreads"]) for worker in self._workers().values()))

    @property
    def memory(self) -> int | None:
        """Bytes that the smallest worker has; None where one has no limit."""
        limits = [int(worker["memory_limit"] or 0) for worker in self._workers().values()]
        return min(limits, default=0) or None

    def run(
        self, work: Callable[[J], R], jobs: Mapping[int, J], keep: Callable[[int, R], None], need: Need[J] | None
    ) -> list[int]:
        """Run jobs, the first ones first. A worker's death moves its jobs to others; after the cluster's number of
        allowed failures a job counts as lost. Raises EnvironmentFaultError where the cluster is gone.
        """
        from distributed.scheduler import KilledWorker

        executor = self.client.get_executor(pure=False)
        futures: dict[Future[R], int] = {}
        lost: list[int] = []
        try:
            for place, (index, job) in enumerate(jobs.items()):
                parcel = Parcel(work, job, 0 if need is None else need(job), self.terms)
                futures[executor.submit(_do, parcel, priority=-place)] = index
            for future in self._as_they_come(set(futures)):
                try:
                    result = future.result()
                except KilledWorker:
                    lost.append(futures[future])
                    continue
                except CancelledError:
                    raise _cluster_gone() from None
                except ModuleNotFoundError:
                    raise EnvironmentFaultError(other_software("a worker runs without spora-build")) from None
                keep(futures[future], result)
        except BaseException:
            for future in futures:
                future.cancel()
            raise
        return sorted(lost)

    def _as_they_come(self, waiting: set[Future[R]]) -> Iterator[Future[R]]:
        empty_since: float | None = None
        while waiting:
            done, waiting = wait(waiting, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
            yield from done
            if done or self._workers():
                empty_since = None
                continue
            empty_since = empty_since or time.monotonic()
            if self.client.status != "running" or time.monotonic() - empty_since > FIRST_WORKER_S:
                raise _cluster_gone()

    def _workers(self) -> dict[str, Any]:
        workers: dict[str, Any] = self.client.scheduler_info(n_workers=-1)["workers"]
        return workers


@contextmanager
def open_cluster(
    address: str | None = None,
    *,
    scheduler_file: Path | None = None,
    writable: Iterable[Path] = (),
    readable: Iterable[Path] = (),
    threads: int = 0,
) -> Iterator[DaskCluster]:
    """Connect to a running scheduler and make sure that its workers can do our work.

    Every worker must have our software and see the folders under the same paths: a file put into each ``writable`` one,
    and the first file of each ``readable`` one. The file in the first ``writable`` folder stays until the end, for
    workers that join later. ``threads`` per job: 0 for each worker's share of its cores. Raises EnvironmentFaultError.
    """
    folders = [folder.resolve() for folder in writable]
    with _connected(address, scheduler_file) as client, put_witnesses(folders[:1], []) as lasting:
        _wait_for_worker(client)
        with put_witnesses(folders[1:], [folder.resolve() for folder in readable]) as witnesses:
            terms = Terms((*lasting, *witnesses), software())
            seen = look_at_workers(client, terms)
        per_host: dict[str, int] = {}
        for worker, info in client.scheduler_info(n_workers=-1)["workers"].items():
            if worker in seen:
                per_host[seen[worker].host] = per_host.get(seen[worker].host, 0) + info["nthreads"]
        shares = [eyes.cores // per_host[eyes.host] for eyes in seen.values() if eyes.host in per_host]
        yield DaskCluster(client, threads or max(1, min(shares, default=1)), Terms(lasting, terms.software))


@contextmanager
def _connected(address: str | None, scheduler_file: Path | None) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError:
        raise EnvironmentFaultError(
            Problem("E-DASK-001", "Dask is not installed.", 'install it with `pip install "spora-build[dask]"`.')
        ) from None
    where = {"address": address} if scheduler_file is None else {"scheduler_file": str(scheduler_file)}
    try:
        connect: Any = Client
        client = connect(**where, timeout=CONNECT_S, set_as_default=False, name="spora-build")
    except (OSError, ValueError, TimeoutError):
        raise EnvironmentFaultError(
            Problem(
                "E-DASK-002",
                "no Dask scheduler answers there.",
                "start one with `dask scheduler`, and give its address as it prints it.",
            )
        ) from None
    try:
        yield client
    finally:
        with suppress(OSError, TimeoutError):
            client.close(timeout=CONNECT_S)


def _wait_for_worker(client: Any) -> None:
    try:
        client.wait_for_workers(1, timeout=FIRST_WORKER_S)
    except TimeoutError:
        raise EnvironmentFaultError(
            Problem(
                "E-DASK-003",
                "the Dask scheduler has no workers.",
                "start some with `dask worker`, or wait until the queue has started them.",
            )
        ) from None


def _cluster_gone() -> EnvironmentFaultError:
    return EnvironmentFaultError(
        Problem(
            "E-DASK-006",
            "the Dask cluster is gone, or all its workers are.",
            "start it again and run the same command: what was finished stays.",
        )
    )
