"""Progress of moving bytes, told in pieces of a megabyte."""

from __future__ import annotations

import math
from dataclasses import dataclass

from spora_build.workflows.running.progress import Advance

MEGABYTE = 1_000_000


def megabytes(size: int) -> int:
    """Whole megabytes that hold so many bytes."""
    return math.ceil(size / MEGABYTE)


@dataclass
class MegabyteBar:
    """Advances a bar by what it hears of bytes; never beyond its total."""

    bar: Advance
    total_bytes: int
    _told: int = 0
    _bytes: int = 0

    @property
    def reached(self) -> int:
        """Bytes done in all, as far as was heard."""
        return self._bytes

    def reach(self, moved: int) -> None:
        """So many bytes are done in all."""
        self._bytes = max(self._bytes, moved)
        wanted = megabytes(min(moved, self.total_bytes))
        for _ in range(wanted - self._told):
            self.bar.advance()
        self._told = max(self._told, wanted)

    def add(self, size: int) -> None:
        """So many more bytes are done."""
        self.reach(self._bytes + size)
