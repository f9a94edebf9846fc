"""Threads of one process share its memory: each says what it needs and waits until there is room."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class MemoryGate:
    """Bytes that the threads of a process hold together, never more than its limit."""

    def __init__(self) -> None:
        self._held = 0
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, need: int, limit: int) -> Iterator[None]:
        """Run the block with ``need`` of ``limit`` bytes; who needs more than there is runs alone."""
        need = min(need, limit)
        with self._changed:
            self._changed.wait_for(lambda: self._held + need <= limit)
            self._held += need
        try:
            yield
        finally:
            with self._changed:
                self._held -= need
                self._changed.notify_all()


GATE = MemoryGate()
"""Of this process."""
