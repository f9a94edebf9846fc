"""Threads wait for room, and one that needs more than there is runs alone."""

from __future__ import annotations

import threading
import time

from spora_build.workflows.running.memory_gate import MemoryGate


def test_the_limit_is_never_passed() -> None:
    gate, held, most, lock = MemoryGate(), 0, 0, threading.Lock()

    def work(need: int) -> None:
        nonlocal held, most
        with gate.hold(need, 100):
            with lock:
                held += min(need, 100)
                most = max(most, held)
            time.sleep(0.01)
            with lock:
                held -= min(need, 100)

    threads = [threading.Thread(target=work, args=(need,)) for need in [60, 30, 40, 10, 100, 1000, 70, 50, 50] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    assert 60 <= most <= 100


def test_an_error_gives_its_room_back() -> None:
    gate = MemoryGate()
    for _ in range(3):
        try:
            with gate.hold(100, 100):
                raise ValueError
        except ValueError:
            pass
