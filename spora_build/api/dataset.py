"""A finished dataset as an object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spora_build.errors import PartialError
from spora_build.model.modality import Modality
from spora_build.model.report import Outcome, Status
from spora_build.store.image import StoredImage, open_image
from spora_build.store.layout import INSTANCES, Layout
from spora_build.store.mask import read_mask
from spora_build.store.tables import read_frame
from spora_build.workflows.dataset.find_dataset import find_dataset


@dataclass(frozen=True)
class Dataset:
    """A dataset on disk. Reads what is asked for when it is asked for, and keeps nothing."""

    root: Path
    """Its folder."""

    @classmethod
    def find(cls, start: Path | str = ".") -> Dataset:
        """The dataset at ``start``, around it, or the only one directly below it. Raises UsageError."""
        return cls(find_dataset(Path(start)).root)

    @property
    def layout(self) -> Layout:
        """Where everything is."""
        return Layout(self.root)

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.layout.name

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities that have a folder: ``codex``, ``he``, ``ihc_CD3E``…"""
        return tuple(modality.name for modality in self.layout.find_modalities())

    @property
    def tissues(self) -> pd.DataFrame:
        """One row per tissue and modality. Raises InvalidDataError."""
        return read_frame(self.layout.tissues_table)

    @property
    def cells(self) -> pd.DataFrame:
        """One row per cell. Raises InvalidDataError where there is no such table."""
        return read_frame(self.layout.cells_table)

    def resolutions(self, modality: str) -> tuple[float, ...]:
        """Pixel sizes of a modality in µm, finest first."""
        return tuple(self.layout.find_resolutions(Modality.parse(modality)))

    def channels(self, modality: str) -> pd.DataFrame:
        """Channels of a multiplex modality, in the order of its images. Raises InvalidDataError."""
        return read_frame(self.layout.channels_table(Modality.parse(modality)))

    def image(self, tissue_id: str, modality: str, mpp: float) -> StoredImage:
        """An image to read windows from: ``image.read([0, 2], Window(row, col, height, width))``, channels first.

        Raises InvalidDataError.
        """
        return open_image(self.layout.image(Modality.parse(modality), mpp, tissue_id))

    def tissue_mask(self, tissue_id: str, mpp: float) -> NDArray[np.bool_]:
        """(H, W), True where tissue is. Raises InvalidDataError."""
        return read_mask(self.layout.tissue_mask(mpp, tissue_id))

    def cell_mask(self, tissue_id: str, mpp: float, task: str = INSTANCES) -> NDArray[Any]:
        """(H, W) labels of cells, or the categories of a task; 0 is background. Raises InvalidDataError."""
        return read_mask(self.layout.cell_mask(mpp, tissue_id, task))

    def tiles(self, size_px: int, mpp: float = 1.0, strategy: str = "default") -> pd.DataFrame:
        """Columns tissue_id, tile_id, row, col: the upper left corners of tiles. Raises InvalidDataError."""
        return read_frame(self.layout.tile_coordinates(mpp, strategy, size_px))


def layout_of(dataset: Dataset | Path | str) -> Layout:
    """Where everything of a dataset is, given in any way. Raises UsageError where there is none."""
    return dataset.layout if isinstance(dataset, Dataset) else find_dataset(Path(dataset))


def whole(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """The outcomes, or PartialError with what is wrong with those that failed."""
    failed = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
    if failed:
        raise PartialError(problem for outcome in failed for problem in outcome.problems)
    return tuple(outcomes)
