"""A real Dask cluster of processes on loopback: the same bytes, deaths survived, what is wrong told at the start."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from spora_build.errors import EnvironmentFaultError
from spora_build.workflows.build import build
from spora_build.workflows.convert import ConvertRequest, prepare, write_images
from spora_build.workflows.images import parts
from spora_build.workflows.running import dask_cluster as module
from spora_build.workflows.running import dask_workers
from spora_build.workflows.running.dask_cluster import DaskCluster, Parcel, open_cluster
from spora_build.workflows.running.executors import Resources, use_resources
from spora_build.workflows.running.jobs import run_jobs, threads_each
from tests.workflows.conftest import tree_bytes
from tests.workflows.images.test_parts import write_raw
from tests.workflows.running.test_executors import fail, span

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")


@contextmanager
def local_cluster(**options: Any) -> Iterator[Any]:
    """Scheduler and worker processes on loopback."""
    settings = {
        "distributed.scheduler.allowed-failures": 1,
        "distributed.worker.daemon": True,
        # a worker that was killed is given up by LocalCluster where a busy machine takes longer to start another
        "distributed.deploy.lost-worker-timeout": "10 minutes",
    }
    defaults = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "memory_limit": "2GB"}
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            **{**defaults, **options}, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50
        ) as cluster,
    ):
        yield cluster


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Any]:
    """Of one thread."""
    with local_cluster() as cluster:
        yield cluster


@pytest.fixture
def running(two_workers: Any) -> Any:
    """Both of them: one that the test before killed takes a moment to come back."""
    two_workers.wait_for_workers(2, timeout=120)
    return two_workers


@pytest.fixture
def cluster(running: Any) -> Iterator[DaskCluster]:
    """A connection to them."""
    with open_cluster(running.scheduler_address, threads=1) as connected:
        yield connected


@dataclass
class KillOneWorker:
    """A progress bar that kills a worker's process when the first piece of a stage is done."""

    cluster: DaskCluster
    stage: str = "images"
    killed: list[int] = field(default_factory=list)

    @contextmanager
    def show(self, label: str, total: int) -> Iterator[KillOneWorker]:
        assert total >= 0
        self.label = label
        yield self

    def advance(self) -> None:
        """One piece is done."""
        if self.label == self.stage and not self.killed:
            pids = self.cluster.client.run(os.getpid)
            busy = {a for a, keys in self.cluster.client.processing().items() if keys}
            self.killed.append(next(pid for address, pid in pids.items() if address in busy))
            os.kill(self.killed[0], signal.SIGKILL)


def test_a_build_on_a_cluster_survives_a_death_and_has_the_same_bytes(
    running: Any, example_raw: Path, example_dataset: Path, key_file: Path, tmp_path: Path
) -> None:
    request = ConvertRequest(raw=example_raw.resolve(), out=tmp_path, key_file=key_file)
    conversion = prepare(request)
    folders = {"writable": [tmp_path, conversion.layout.private], "readable": [example_raw]}
    with open_cluster(running.scheduler_address, **folders) as cluster, use_resources(Resources(cluster)):
        killer = KillOneWorker(cluster)
        outcomes = build(conversion, request, killer.show)
    assert len(killer.killed) == 1
    assert not [outcome.problems for outcome in outcomes if outcome.status == "failed"]
    assert tree_bytes(conversion.layout.root) == tree_bytes(example_dataset)
    assert not list(tmp_path.rglob("*.building"))


def test_a_death_in_a_part_of_a_large_image_changes_no_byte(
    running: Any, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "raw").mkdir()
    raw = write_raw(tmp_path / "raw")
    local = ConvertRequest(raw=raw, out=tmp_path / "local", key_file=key_file, workers=1)
    assert {outcome.status for outcome in write_images(prepare(local), local)} == {"done"}
    monkeypatch.setattr(parts, "PART_BYTES", 4 << 20)
    request = ConvertRequest(raw=raw, out=tmp_path / "dask", key_file=key_file)
    conversion = prepare(request)
    folders = {"writable": [tmp_path / "dask"], "readable": [raw]}
    with open_cluster(running.scheduler_address, **folders) as cluster, use_resources(Resources(cluster)):
        killer = KillOneWorker(cluster, "parts of large images")
        outcomes = write_images(conversion, request, killer.show)
    assert len(killer.killed) == 1
    assert {outcome.status for outcome in outcomes} == {"done"}
    assert tree_bytes(conversion.layout.root) == tree_bytes(tmp_path / "local" / conversion.layout.name)
    assert not list(tmp_path.rglob("*.building"))


def double(job: int) -> int:
    return 2 * job


def double_or_die(job: int) -> int:
    if job == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * job


def lost(job: int, error: EnvironmentFaultError) -> int:
    assert "E-ENV-010" in str(error)
    return -job


def test_results_are_in_the_order_of_the_jobs(cluster: DaskCluster) -> None:
    heard: list[int] = []
    with use_resources(Resources(cluster)):
        assert threads_each(64, 100) == 1
        assert run_jobs(double, range(20), on_killed=lost, on_result=heard.append) == list(range(0, 40, 2))
    assert sorted(heard) == list(range(0, 40, 2))


def test_a_job_that_kills_its_workers_costs_no_other(cluster: DaskCluster) -> None:
    with use_resources(Resources(cluster)):
        results = run_jobs(double_or_die, range(6), workers=2, on_killed=lost)
    assert results == [0, 2, 4, -3, 8, 10]


def test_jobs_wait_for_workers_that_come_back(cluster: DaskCluster, tmp_path: Path) -> None:
    jobs = [tmp_path / str(number) for number in range(6)]
    killed: set[int] = set()

    def kill_all(_: Path) -> None:
        if not killed:
            killed.update(cluster.client.run(os.getpid).values())
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    with use_resources(Resources(cluster)):
        assert run_jobs(span, jobs, on_killed=fail, on_result=kill_all, need=lambda _: 1000) == jobs
    assert len(killed) == 2


def test_a_worker_never_holds_more_than_its_memory(tmp_path: Path) -> None:
    """Four threads, and room for one of these jobs in each worker."""
    jobs = [tmp_path / str(number) for number in range(6)]
    with (
        local_cluster(threads_per_worker=2, memory_limit="1GB") as running,
        open_cluster(running.scheduler_address) as cluster,
        use_resources(Resources(cluster)),
    ):
        assert cluster.slots == 4
        assert run_jobs(span, jobs, on_killed=fail, need=lambda _: 600_000_000) == jobs
        # more than any worker has: such a job runs alone
        assert run_jobs(span, jobs[:1], on_killed=fail, need=lambda _: 10**12) == jobs[:1]
    by_pid: dict[str, list[tuple[float, float]]] = {}
    for file in jobs[1:]:
        began, ended, pid = file.read_text().split()
        by_pid.setdefault(pid, []).append((float(began), float(ended)))
    for spans in by_pid.values():
        ordered = sorted(spans)
        assert all(first[1] <= second[0] for first, second in itertools.pairwise(ordered))


def test_a_job_does_not_show_in_logs() -> None:
    assert "secret" not in repr(Parcel(double, "a secret path"))


def test_folders_that_a_worker_sees_otherwise_are_told(
    running: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_workers, "_digest", lambda path: "what only this machine sees")
    with (
        pytest.raises(EnvironmentFaultError, match=r"E-DASK-005 out: .*1 of 1 folders"),
        open_cluster(running.scheduler_address, writable=[tmp_path / "out"]),
    ):
        pass
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("at", range(3))
def test_another_version_is_told(running: Any, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    ours = list(dask_workers.software())
    name = ours[at].split()[0]
    ours[at] = f"{name} 0.0.1"
    monkeypatch.setattr(module, "software", lambda: tuple(ours))
    with (
        pytest.raises(EnvironmentFaultError, match=rf"E-DASK-004 a worker runs with {name} .*, not 0\.0\.1"),
        open_cluster(running.scheduler_address),
    ):
        pass


def without_us(*_: object, **__: object) -> None:
    raise ModuleNotFoundError("spora_build")


@pytest.mark.parametrize(("call", "who"), [("run", "a worker"), ("run_on_scheduler", "the scheduler")])
def test_machines_without_spora_build_are_told(
    running: Any, monkeypatch: pytest.MonkeyPatch, call: str, who: str
) -> None:
    monkeypatch.setattr(distributed.Client, call, without_us)
    with (
        pytest.raises(EnvironmentFaultError, match=f"E-DASK-004 {who} runs without spora-build"),
        open_cluster(running.scheduler_address),
    ):
        pass


def test_a_worker_that_joins_later_is_looked_at_too(running: Any, tmp_path: Path) -> None:
    with open_cluster(running.scheduler_address, writable=[tmp_path / "out"]) as cluster:
        ((witness, digest),) = cluster.terms.witnesses
        assert Path(witness).is_file() and digest  # as long as the connection
        with use_resources(Resources(cluster)):
            assert run_jobs(double, range(3), on_killed=lost) == [0, 2, 4]
        for terms in (
            replace(cluster.terms, witnesses=((str(tmp_path / "out" / "of another mount"), digest),)),
            replace(cluster.terms, software=("spora-build 0.0.1",)),
        ):
            with (
                use_resources(Resources(replace(cluster, terms=terms))),
                pytest.raises(EnvironmentFaultError, match=r"E-DASK-005 out: |E-DASK-004"),
            ):
                run_jobs(double, range(3), on_killed=lost)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_absent_scheduler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_S", 1.0)
    with pytest.raises(EnvironmentFaultError, match="E-DASK-002"), open_cluster("tcp://127.0.0.1:9"):
        pass


def test_a_scheduler_file_is_as_good_as_an_address(running: Any, tmp_path: Path) -> None:
    file = tmp_path / "scheduler.json"
    file.write_text(f'{{"address": "{running.scheduler_address}"}}')
    with open_cluster(scheduler_file=file) as cluster:
        assert cluster.slots == 2


def test_a_cluster_without_workers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WORKER_S", 0.5)
    with (
        local_cluster(n_workers=0) as running,
        pytest.raises(EnvironmentFaultError, match="E-DASK-003"),
        open_cluster(running.scheduler_address),
    ):
        pass


def test_workers_that_all_leave_end_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "FIRST_WORKER_S", 1.0)
    monkeypatch.setattr(module, "_LOOK_S", 0.5)
    with (
        local_cluster() as running,
        open_cluster(running.scheduler_address) as cluster,
        use_resources(Resources(cluster)),
        pytest.raises(EnvironmentFaultError, match="E-DASK-006"),
    ):
        jobs = [tmp_path / str(number) for number in range(40)]
        run_jobs(span, jobs, on_killed=fail, on_result=lambda _: running.scale(0))
