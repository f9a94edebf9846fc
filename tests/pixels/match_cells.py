"""How well two label masks agree, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Match:
    """Cells that agree by more than half of their union, and those that do not."""

    both: int
    made_only: int
    true_only: int

    def __add__(self, other: Match) -> Match:
        return Match(self.both + other.both, self.made_only + other.made_only, self.true_only + other.true_only)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN) at an intersection over union of 0.5."""
        return 2 * self.both / (2 * self.both + self.made_only + self.true_only)

    @property
    def ap50(self) -> float:
        """TP / (TP + FP + FN), which cell segmentation calls AP50."""
        return self.both / (self.both + self.made_only + self.true_only)


def match(made: NDArray[Any], true: NDArray[Any]) -> Match:
    """Compare; above one half of the union a cell has one partner at most."""
    m, made_sizes = np.unique(made[made > 0], return_counts=True)
    t, true_sizes = np.unique(true[true > 0], return_counts=True)
    overlap = (made > 0) & (true > 0)
    pairs, shared = np.unique(np.stack([made[overlap], true[overlap]]).astype(np.int64), axis=1, return_counts=True)
    union = made_sizes[np.searchsorted(m, pairs[0])] + true_sizes[np.searchsorted(t, pairs[1])] - shared
    both = int((2 * shared > union).sum())
    return Match(both, len(m) - both, len(t) - both)
