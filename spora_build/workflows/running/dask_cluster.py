"""Jobs on a Dask cluster that is there already: SLURM, Kubernetes, or a few machines with `dask worker`.

with open_cluster("tcp://host:8786", writable=[out], readable=[raw]) as cluster, use_resources(Resources(cluster)):
    build(conversion, request)
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from spora_build import __version__
from spora_build.errors import EnvironmentFaultError, Place, Problem
from spora_build.store.atomic import TEMPORARY_SUFFIX
from spora_build.workflows.running.executors import Need
from spora_build.workflows.running.jobs import default_workers
from spora_build.workflows.running.memory_gate import GATE
from spora_build.workflows.running.quiet import keep_quiet

J = TypeVar("J")
R = TypeVar("R")

CONNECT_S = 30.0
FIRST_WORKER_S = 600.0
"""Longest wait for a worker: at the start, and where all of them are gone."""
_LOOK_S = 5.0
_WITNESS_BYTES = 1 << 20


@dataclass(frozen=True)
class Parcel:
    """A job and what is to be done with it. Dask writes the arguments of a task that fails into its logs: not these."""

    work: Callable[[Any], Any] = field(repr=False)
    job: Any = field(repr=False)
    need: int = 0
    """Bytes of memory."""


@dataclass(frozen=True)
class Seen:
    """What one worker says of itself."""

    version: str
    python: tuple[int, int]
    host: str
    cores: int
    missing: tuple[str, ...]
    """Names of the folders that it does not see as we do."""


def look_around(witnesses: tuple[tuple[str, str], ...]) -> Seen:
    """On a worker: which of these files (path, digest) it does not find as they are."""
    missing = tuple(Path(path).parent.name for path, digest in witnesses if _digest(Path(path)) != digest)
    return Seen(__version__, sys.version_info[:2], socket.gethostname(), default_workers(), missing)


def _digest(path: Path) -> str:
    """SHA-256 of the first bytes of a file; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.sha256(file.read(_WITNESS_BYTES)).hexdigest()
    except OSError:
        return ""


def _do(parcel: Parcel) -> Any:
    """On a worker: the work, as soon as its memory has room beside what its other threads are at."""
    from distributed import get_worker

    keep_quiet()
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

    @property
    def slots(self) -> int:
        """Threads of all workers: tasks that Dask runs at once."""
        return max(1, sum(int(worker["nthreads"]) for worker in self._workers().values()))

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
                parcel = Parcel(work, job, 0 if need is None else need(job))
                futures[executor.submit(_do, parcel, priority=-place)] = index
            for future in self._as_they_come(set(futures)):
                try:
                    result = future.result()
                except KilledWorker:
                    lost.append(futures[future])
                    continue
                except CancelledError:
                    raise _cluster_gone() from None
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

    Every worker must have our version and see the folders under the same paths: a file put into each ``writable`` one,
    and the first file of each ``readable`` one. ``threads`` per job: 0 for each worker's share of its cores. Raises
    EnvironmentFaultError.
    """
    with _connected(address, scheduler_file) as client:
        _wait_for_worker(client)
        with _witnesses([f.resolve() for f in writable], [f.resolve() for f in readable]) as witnesses:
            seen = _look_at_workers(client, witnesses)
        per_host: dict[str, int] = {}
        for worker, info in client.scheduler_info(n_workers=-1)["workers"].items():
            if worker in seen:
                per_host[seen[worker].host] = per_host.get(seen[worker].host, 0) + info["nthreads"]
        shares = [eyes.cores // per_host[eyes.host] for eyes in seen.values() if eyes.host in per_host]
        yield DaskCluster(client, threads or max(1, min(shares, default=1)))


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


@contextmanager
def _witnesses(writable: list[Path], readable: list[Path]) -> Iterator[tuple[tuple[str, str], ...]]:
    """Files in the folders, by which a worker can tell whether it sees the same ones."""
    made = [folder / f".probe.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}" for folder in writable]
    found = [min((p for p in folder.iterdir() if p.is_file()), default=None) for folder in readable]
    try:
        for path in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(secrets.token_hex(16), encoding="utf-8")
        yield tuple((str(path), _digest(path)) for path in (*made, *found) if path is not None)
    finally:
        for path in made:
            path.unlink(missing_ok=True)


def _look_at_workers(client: Any, witnesses: tuple[tuple[str, str], ...]) -> dict[str, Seen]:
    try:
        seen: dict[str, Seen] = client.run(look_around, witnesses)
    except ModuleNotFoundError:
        raise EnvironmentFaultError(_other_version("without spora-build")) from None
    for eyes in seen.values():
        if eyes.version != __version__:
            raise EnvironmentFaultError(_other_version(f"with spora-build {eyes.version}, not {__version__}"))
        if eyes.missing:
            raise EnvironmentFaultError(
                Problem(
                    "E-DASK-005",
                    f"a worker does not see the files that are here ({len(eyes.missing)} of {len(witnesses)} folders).",
                    "keep raw and output on a disk that all machines mount under the same path.",
                    Place(file=eyes.missing[0]),
                )
            )
    return seen


def _other_version(which: str) -> Problem:
    return Problem(
        "E-DASK-004",
        f"a worker runs {which}; the bytes it writes might differ.",
        "install the same version of spora-build for all workers.",
    )


def _cluster_gone() -> EnvironmentFaultError:
    return EnvironmentFaultError(
        Problem(
            "E-DASK-006",
            "the Dask cluster is gone, or all its workers are.",
            "start it again and run the same command: what was finished stays.",
        )
    )
