"""What passes between the parent and the workers of the report: small and picklable."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spora_build.workflows.reporting.picture_of import ShownChannel

PICTURES_BYTES = 7_600_000
"""All pictures of a report together; base64 makes 10 MB of them."""
_OVERVIEW, _DETAIL = 0.68, 0.32
_MOST_BYTES, _LEAST_BYTES = 240_000, 1500


@dataclass(frozen=True)
class Budget:
    """How large the pictures of one modality of one tissue may be."""

    overview_bytes: int
    detail_bytes: int
    """0: no detail."""

    @classmethod
    def of(cls, pictures: int) -> Budget:
        """The budget where the dataset has so many (tissue, modality) pairs."""
        each = min(_MOST_BYTES, PICTURES_BYTES // max(1, pictures))
        detail = int(each * _DETAIL)
        return cls(max(_LEAST_BYTES, int(each * _OVERVIEW)), detail if detail >= _LEAST_BYTES else 0)


@dataclass(frozen=True)
class StoredLevels:
    """The images of one modality of a tissue."""

    modality: str
    levels: tuple[tuple[float, Path], ...]
    """(mpp, path), finest first."""
    clips: tuple[tuple[float, tuple[tuple[str, float], ...]], ...] = ()
    """Per mpp: upper quantile of each channel, as standardization has them."""
    shown: tuple[ShownChannel, ...] = ()
    """Channels of the composite; none for brightfield."""


@dataclass(frozen=True)
class LookJob:
    """One tissue to look at."""

    tissue_id: str
    images: tuple[StoredLevels, ...]
    tissue_masks: tuple[tuple[float, Path], ...]
    """(mpp, path), finest first."""
    cell_mask: Path | None
    """The instance mask at its finest pixel size."""
    budget: Budget


@dataclass(frozen=True)
class StructureJob:
    """One image of the sample that the composites' markers are chosen from."""

    modality: str
    image: Path
    tissue_mask: Path | None


@dataclass(frozen=True)
class Structure:
    """What a sample image says about its channels."""

    modality: str
    channel_names: tuple[str, ...]
    score: tuple[float, ...]
    r: NDArray[np.float64]
    """(C, C) correlations, NaN where undefined."""
