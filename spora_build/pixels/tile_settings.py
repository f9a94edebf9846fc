"""How a tissue is tiled, and what came of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import Place, Problem, UsageError

DEFAULT_STRATEGY = "default"
"""The folder of the greedy cover, which the reader slices without padding."""
TOLERANCE = 0.85
COVERAGE_GOAL = 1.0
MIN_GAIN_RATIO = 0.05
_STRATEGY = re.compile(r"^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$")


@dataclass(frozen=True)
class TilingSettings:
    """One way to tile. Raises UsageError with every problem of the values at once.

    The defaults are those that spora-io documents for contributed datasets.
    """

    size_px: int
    """Side of a tile."""
    stride_px: int | None = None
    """Step between candidates; None: half a tile for the greedy cover, a whole tile for a grid."""
    strategy: str = DEFAULT_STRATEGY
    """Folder name; one that begins with ``grid`` lays a fixed grid, every other one is the greedy cover."""
    tolerance: float = TOLERANCE
    """Largest share of background in a tile, in [0, 1)."""
    coverage_goal: float = COVERAGE_GOAL
    """Share of the tissue to cover before a small gain may stop the cover, in (0, 1]; 1.0 counts as reached."""
    min_gain_ratio: float = MIN_GAIN_RATIO
    """Share of a tile that must be newly covered once the goal is reached, in [0, 1)."""

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise UsageError(problems)

    @property
    def is_grid(self) -> bool:
        """True for a fixed grid, whose tiles may cross the border of the image."""
        return self.strategy.startswith("grid")

    @property
    def step_px(self) -> int:
        """The stride in use."""
        if self.stride_px is not None:
            return self.stride_px
        return self.size_px if self.is_grid else max(1, self.size_px // 2)


@dataclass(frozen=True)
class TilingStats:
    """How a tissue was tiled: the numbers of a row of the tile stats table (areas in pixels)."""

    mask_height: int
    mask_width: int
    tissue_mask_frac: float
    """Share of the image that is tissue."""
    num_tiles: int
    coverage_ratio: float
    """Share of the tissue that lies in a tile; 1.0 where there is no tissue."""
    covered_valid_pixels: int
    total_valid_pixels: int
    candidate_count: int
    """Candidates with enough tissue."""
    stop_reason: str
    """``adaptive_stop``, ``no_gain``, ``candidates_exhausted``, ``empty_mask``, ``smaller_than_tile``,
    ``fixed_grid_complete``."""
    grid_candidate_count: int | None = None
    """Places of the grid, with or without tissue; None for the greedy cover, like the two below."""
    padded_height: int | None = None
    padded_width: int | None = None


@dataclass(frozen=True)
class Tiling:
    """The tiles of one tissue, in the order in which they were chosen."""

    coordinates: NDArray[np.int64]
    """(n, 2): row and col of each tile's first pixel."""
    stats: TilingStats


def _problems(settings: TilingSettings) -> list[Problem]:
    found: list[Problem] = []

    def check(good: bool, number: int, option: str, value: object, rule: str) -> None:
        if not good:
            code = f"E-TILE-{number:03d}"
            found.append(
                Problem(
                    code, f"this {option} makes no tiling.", f"give {rule}.", Place(column=option, value=str(value))
                )
            )

    check(settings.size_px >= 1, 1, "size", settings.size_px, "a tile size of at least 1 pixel")
    check(
        settings.stride_px is None or settings.stride_px >= 1,
        2,
        "stride",
        settings.stride_px,
        "a stride of at least 1 pixel",
    )
    check(
        _STRATEGY.match(settings.strategy) is not None,
        3,
        "strategy",
        settings.strategy,
        "a folder name in lower snake_case such as default or grid_stride224",
    )
    check(0.0 <= settings.tolerance < 1.0, 4, "tolerance", settings.tolerance, "a number from 0 to below 1")
    check(0.0 < settings.coverage_goal <= 1.0, 5, "coverage-goal", settings.coverage_goal, "a number above 0 up to 1")
    check(
        0.0 <= settings.min_gain_ratio < 1.0, 6, "min-gain-ratio", settings.min_gain_ratio, "a number from 0 to below 1"
    )
    return found
