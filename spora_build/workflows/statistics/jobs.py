"""What passes between the parent and the workers of the standardization stage: small and picklable."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spora_build.pixels.standardize import Recipe


@dataclass(frozen=True)
class StatsJob:
    """One tissue of a multiplex modality at one pixel size."""

    tissue_id: str
    channel_names: tuple[str, ...]
    """In the order of the image's channels."""
    image_path: Path
    mask_path: Path
    kept: Path
    """Folder of the counts: too large to send, and good for any recipe as long as image and mask stay as they are."""
    token: str = ""
    """Changes with the image, its mask and its channels."""
    state: str = ""
    """:func:`image_state` of the image when the token was made; empty where nobody looked."""
    compiled: bool = False
    """Whether the stage has so many values for one process that compiled code pays."""


@dataclass(frozen=True)
class TissueMeasurement:
    """What the first look at a tissue found: small; the counts themselves lie in the job's folder."""

    job: StatsJob
    is_float: bool
    is_coarse: tuple[bool, ...]
    """Per channel: the counts are those of coarse bins, and a second look has to say what is in them."""
    pixel_count: int
    """Pixels of the tissue mask."""
    empty: tuple[bool, ...]
    """Per channel: every pixel of the mask is zero (float: below 1e-40 in size)."""

    @property
    def tissue_id(self) -> str:
        """The tissue's id."""
        return self.job.tissue_id


@dataclass(frozen=True)
class Cohort:
    """All tissues of a modality at one pixel size, after the first look."""

    panel: tuple[str, ...]
    """Channel names in the order of channels.parquet."""
    recipe: Recipe
    measurements: tuple[TissueMeasurement, ...]
    """Sorted by tissue."""
    coarse: NDArray[np.int64]
    """(channels of the panel, 65536): coarse counts of all tissues together."""

    @property
    def is_float(self) -> bool:
        """Whether numpy would hold all the pixels together as floats."""
        return any(measurement.is_float for measurement in self.measurements)


@dataclass(frozen=True)
class RefineJob:
    """The second look at a tissue of floats."""

    measurement: TissueMeasurement
    recipe: Recipe
    cohort_bins: tuple[tuple[int, ...], ...]
    """Per channel of the tissue: coarse bins where the cohort's quantiles lie."""
