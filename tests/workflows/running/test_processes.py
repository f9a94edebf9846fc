"""Workers that go from stage to stage."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from concurrent.futures import Future
from typing import Any

import pytest

from spora_build.errors import EnvironmentFaultError
from spora_build.workflows.running import processes
from spora_build.workflows.running.jobs import run_jobs
from spora_build.workflows.running.processes import keep_processes, open_pool, run_job


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


def ask(work: Any = who, jobs: int = 6, workers: int = 2) -> set[int]:
    return set(run_jobs(work, range(jobs), workers=workers, on_killed=zero))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_inside_the_block_they_stay_and_at_its_end_they_go() -> None:
    with keep_processes():
        first = ask()
        assert ask(who_else) == first
        assert all(map(is_alive, first))
    assert len(first) == 2
    assert not ask() & first
    until = time.monotonic() + 20
    while any(map(is_alive, first)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(map(is_alive, first))


def test_another_number_of_them_is_another_pool() -> None:
    with keep_processes():
        first = ask()
        second = ask(jobs=9, workers=3)
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
        assert ask(die, jobs=2) == {0}
        second = ask()
        assert not first & second
        for pid in second:  # between two stages, as by a system that is short of memory
            os.kill(pid, signal.SIGKILL)
        assert not second & ask()


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
        assert not any(map(is_alive, stopped.value.args[0]))
        assert len(ask()) == 2


def test_memory_is_given_back_between_stages_only(monkeypatch: pytest.MonkeyPatch) -> None:
    freed: list[str] = []
    monkeypatch.setattr(processes, "_last_work", None)
    monkeypatch.setattr(processes, "free_memory", lambda: freed.append("freed"))
    for work, times in ((who, 0), (who, 0), (who_else, 1), (who_else, 1), (who, 2)):
        run_job(work, 0)
        assert len(freed) == times


def test_no_process_of_this_test_is_left() -> None:
    with keep_processes():
        ask()
    assert not multiprocessing.active_children()
