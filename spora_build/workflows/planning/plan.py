"""What a conversion will do: plain values, decided from headers and sheets before a pixel is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spora_build.errors import Problem
from spora_build.model.channel import Panel
from spora_build.model.geometry import PixelSize, Size
from spora_build.model.modality import Modality
from spora_build.workflows.planning.cells import CellsPlan


@dataclass(frozen=True)
class PlannedOutput:
    """One image to write: a pixel size and the grid there."""

    mpp: float
    size: Size


@dataclass(frozen=True)
class PlannedImage:
    """One raw acquisition and what becomes of it."""

    row: int
    """Row of tissues.csv."""
    path: Path = field(repr=False)
    """Raw file or folder, absolute."""
    shown_name: str = field(repr=False)
    """The raw file as the sheet names it; for messages on the contributor's own screen only."""
    series: int
    """Index of the acquisition in its file."""
    modality: Modality
    pixel_size: PixelSize
    size: Size
    """Height and width in the raw file."""
    dtype: str
    channels: tuple[int, ...]
    """Indices in the raw file, in panel order."""
    channel_names: tuple[str, ...]
    """Names in the dataset, in the same order."""
    outputs: tuple[PlannedOutput, ...]

    @property
    def native_mpp(self) -> float:
        """Pixel size of the raw image."""
        return self.pixel_size.mpp

    @property
    def bytes_per_px(self) -> int:
        """Bytes of one pixel over all its kept channels."""
        return len(self.channels) * {"uint8": 1, "uint16": 2, "float32": 4}[self.dtype]


@dataclass(frozen=True)
class PlannedTissue:
    """One canonical tissue: its ids, its images (one per modality) and its masks."""

    tissue_id: str
    patient_id: str
    specimen_id: str
    biopsy_id: str | None
    alignment: str | None
    split: str | None
    images: tuple[PlannedImage, ...]
    cell_mask: Path | None = field(default=None, repr=False)
    tissue_mask: Path | None = field(default=None, repr=False)
    cell_mask_image: int = 0
    """Which of the images the sheet gives the cell mask with."""
    cell_mask_mpp: float | None = None
    """Pixel size that the sheet declares for the cell mask."""
    sheet_tissue: str | None = field(default=None, repr=False)
    """The sheet's name of the tissue, by which a table of cells may call it."""
    metadata: Mapping[Modality, Mapping[str, object]] = field(default_factory=dict, repr=False)
    """By modality: columns of the clinical table and of the sheet that the privacy gate let through."""


@dataclass(frozen=True)
class Plan:
    """The whole conversion."""

    dataset: str
    tissues: tuple[PlannedTissue, ...]
    panels: Mapping[Modality, Panel]
    """Channels of each multiplex modality that at least one tissue has."""
    problems: tuple[Problem, ...]
    """Warnings and notes; errors stop the planning."""
    cells: CellsPlan = field(default_factory=CellsPlan)
    """What becomes of the table of cells."""
    withheld: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)
    """Values of dropped and hashed columns that must not be in the dataset, see :class:`CohortMetadata`."""

    @property
    def raw_bytes(self) -> int:
        """Bytes of all pixels to read, uncompressed."""
        return sum(
            image.bytes_per_px * image.size.height * image.size.width
            for tissue in self.tissues
            for image in tissue.images
        )

    @property
    def output_bytes(self) -> int:
        """Bytes of all pixels to write before compression: an upper bound of the disk needed."""
        return sum(
            image.bytes_per_px * output.size.height * output.size.width
            for tissue in self.tissues
            for image in tissue.images
            for output in image.outputs
        )
