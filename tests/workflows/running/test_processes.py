"""Workers that go from stage to stage."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from spora_build.errors import EnvironmentFaultError
from spora_build.model.report import Status
from spora_build.workflows.build import build
from spora_build.workflows.convert import ConvertRequest, prepare
from spora_build.workflows.running import processes
from spora_build.workflows.running.jobs import run_jobs
from spora_build.workflows.running.processes import keep_processes, open_pool, run_job
from tests.workflows.lab_folder import noise, write_ome


def who(_: int) -> int:
    time.sleep(0.05)  # long enough for another to take the next job
    return os.getpid()


def who_else(_: int) -> int:
    return who(_)


def die(_: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def zero(job: int, error: EnvironmentFaultError) -> int:
    return 0


def ask(work: Any = who, workers: int = 2) -> set[int]:
    """The processes that take jobs: a slow one may not be there for the first ones."""
    found: set[int] = set()
    until = time.monotonic() + 30
    while len(found) < workers and time.monotonic() < until:
        found.update(run_jobs(work, range(2 * workers), workers=workers, on_killed=zero))
    return found


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def are_gone(pids: set[int]) -> bool:
    """Whether none is left; the dead are there until the one that forked them has heard of it."""
    until = time.monotonic() + 30
    while any(map(is_alive, pids)) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(map(is_alive, pids))


def test_inside_the_block_they_stay_and_at_its_end_they_go() -> None:
    with keep_processes():
        first = ask()
        assert ask(who_else) == first
        assert all(map(is_alive, first))
    assert len(first) == 2
    assert not ask() & first
    assert are_gone(first)


def test_another_number_of_them_is_another_pool() -> None:
    with keep_processes():
        first = ask()
        second = ask(workers=3)
        assert len(second) == 3
        assert not first & second


def test_they_end_where_the_work_has_to_do_with_one() -> None:
    with keep_processes():
        first = ask()
        assert ask(workers=1) == {os.getpid()}
        assert not first & ask()


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_the_dead_are_replaced() -> None:
    with keep_processes():
        first = ask()
        assert run_jobs(die, range(2), workers=2, on_killed=zero) == [0, 0]
        second = ask()
        assert not first & second
        for pid in second:  # between two stages, as by a system that is short of memory
            os.kill(pid, signal.SIGKILL)
        assert not second & ask()


def die_of_three(job: int) -> int:
    return die(job) if job == 3 else who(job)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_whoever_ran_beside_a_killer_runs_alone() -> None:
    """Of nine jobs on nine processes all may have killed: each of the others has to be in a process of its own."""
    with keep_processes():
        pids = run_jobs(die_of_three, range(9), workers=9, on_killed=zero)
        assert pids[3] == 0
        assert len(set(pids)) == 9


def test_what_is_interrupted_is_killed_and_not_kept() -> None:
    def begin() -> set[int]:
        with open_pool(2) as pool:
            futures: list[Future[int]] = [pool.submit(run_job, who, job) for job in range(2)]
            pids = {future.result() for future in futures}
            pool.submit(run_job, time.sleep, 60)
            raise KeyboardInterrupt(pids)

    with keep_processes():
        with pytest.raises(KeyboardInterrupt) as stopped:
            begin()
        assert are_gone(stopped.value.args[0])
        assert len(ask()) == 2


def test_memory_is_given_back_between_stages_only(monkeypatch: pytest.MonkeyPatch) -> None:
    freed: list[str] = []
    monkeypatch.setattr(processes, "_last_work", None)
    monkeypatch.setattr(processes, "free_memory", lambda: freed.append("freed"))
    for work, times in ((who, 0), (who, 0), (who_else, 1), (who_else, 1), (who, 2)):
        run_job(work, 0)
        assert len(freed) == times


def test_a_conversion_starts_its_processes_once(
    key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pools: list[int] = []

    def start(workers: int) -> Any:
        pools.append(workers)
        return start_pool(workers)

    start_pool = processes._start_pool
    monkeypatch.setattr(processes, "_start_pool", start)
    raw = tmp_path / "raw"
    for number in range(2):
        write_ome(raw / f"{number}.ome.tif", noise(2, 256, 256, seed=number), ("DNA", "CD3E"))
    (raw / "tissues.csv").write_text("image,patient,modality\n0.ome.tif,1,codex\n1.ome.tif,2,codex\n")
    (raw / "panel_codex.csv").write_text("channel,marker\nDNA,DNA\nCD3E,CD3E\n")
    request = ConvertRequest(raw=raw, name="smith2023kept", out=tmp_path, key_file=key_file, workers=3)
    outcomes = build(prepare(request), request)
    assert {(outcome.stage, outcome.status) for outcome in outcomes} >= {
        (stage, Status.DONE) for stage in ("images", "mask", "tile", "stats")
    }
    assert pools == [3]


def test_no_process_of_this_test_is_left() -> None:
    with keep_processes():
        ask()
    assert not multiprocessing.active_children()
