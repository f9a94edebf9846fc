"""How a stage tells how far it is; who listens is not its business."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Advance(Protocol):
    """Counts finished pieces of work."""

    def advance(self) -> None:
        """One piece is done."""
        ...


ShowProgress = Callable[[str, int], AbstractContextManager[Advance]]
"""(label, number of pieces) to a context in which pieces are counted."""


class _Silent:
    def advance(self) -> None:
        """Nobody listens."""


@contextmanager
def silent(label: str, total: int) -> Iterator[Advance]:
    """Progress that nobody sees."""
    del label, total
    yield _Silent()
