"""What ``spora.toml`` can say: one frozen type per section, with the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from spora_build.model.privacy_rules import Allow, Bin, Cap, ColumnAction, DaysSince, Drop, Hash, Privacy

__all__ = [
    "CODEC_NAMES",
    "Allow",
    "Bin",
    "Cap",
    "Cells",
    "ColumnAction",
    "DaysSince",
    "Drop",
    "Hash",
    "Mask",
    "MaskOption",
    "Mpp",
    "Privacy",
    "Settings",
    "Statistics",
    "Tiling",
]

Mpp = float | Literal["native"]
"""A pixel size in µm, or ``native``: that of the raw image."""
MaskOption = str | int | float | bool
CODEC_NAMES = ("blosc-zstd", "blosc-lz4", "zstd", "none")


@dataclass(frozen=True)
class Tiling:
    """``[tiling]``: where training tiles lie. The numbers are those that spora-io documents."""

    sizes: tuple[int, ...] | None = None
    """Tile sides in pixels. None: 128 and 224 at 1.0 mpp, and 256 at the native mpp of H&E."""
    mpp: tuple[Mpp, ...] | None = None
    """Pixel sizes to tile at where ``sizes`` is given. None: every one the dataset is stored at."""
    strategy: Literal["default", "grid"] = "default"
    """``default``: the greedy cover, tiles inside the image. ``grid``: a regular grid that may cross the border."""
    stride: int | None = None
    """Step of the lattice in pixels. None: half the size."""
    tolerance: float = 0.85
    """Share of a tile that may lie outside the tissue, 0 to 1."""
    coverage_goal: float = 1.0
    """Share of the tissue to cover before small gains end the search, above 0 to 1."""
    min_gain_ratio: float = 0.05
    """Newly covered share of a tile below which the search ends once the goal is reached, 0 to 1."""


@dataclass(frozen=True)
class Statistics:
    """``[statistics]``: the quantiles that intensities are clipped at."""

    upper_quantile: float = 0.99
    lower_quantile: float | None = None
    """None: clip at 0."""


@dataclass(frozen=True)
class Mask:
    """``[mask]``: how tissue is told from background."""

    method: str = "auto"
    options: Mapping[str, MaskOption] = field(default_factory=dict)
    """Every other key of the section, handed to the method as it is."""


@dataclass(frozen=True)
class Cells:
    """``[cells]``: what the labels of cell masks mean and which annotations become masks."""

    tasks: tuple[str, ...] | None = None
    """Columns of the cells table that become task masks, as snake_case. None: every column of categories."""
    background_label: int = 0
    """Label of what is no cell."""
    border_label: int | None = None
    """Label of the lines between cells, where a mask has such."""
    split_components: bool = False
    """Give each connected piece of a label a label of its own (for masks that only say cell or not)."""
    plane: str | None = None
    """Plane of a mask file with several: its name, its position counted from 0, or several joined with ``+``, of which
    the first that has a label at a pixel counts."""
    table: str | None = None
    """Tables of cells in place of ``cells.csv``: a path or pattern below the raw folder, such as ``quant/*.csv``."""


@dataclass(frozen=True)
class Settings:
    """The whole of ``spora.toml``, flags already laid over it."""

    name: str | None = None
    """Name of the dataset: lastnameyearfirsttitleword."""
    mpp: tuple[Mpp, ...] = ("native", 1.0)
    """Pixel sizes to store images at."""
    pyramid: bool = False
    """Write smaller levels below array 0, for viewers."""
    id_scheme: Literal["keyed", "spora", "random"] = "keyed"
    """How patient ids are made from raw ids: under a secret key, as spora's authors do (no key), or drawn at random."""
    keep_original_ids: bool = False
    """Keep the raw patient ids in tissues.parquet. An explicit choice, for cohorts whose ids are public."""
    allow_upsampling: bool = False
    """Also write images at a pixel size finer than their own."""
    codec: str | None = None
    """Compression of the pixels: one of ``CODEC_NAMES``. None: the one that suits the pixel type."""
    nonfinite: Literal["error", "zero"] = "error"
    """What becomes of NaN and infinite pixels: the image is refused, or they are written as 0."""
    mpp_override: Mapping[str, float] = field(default_factory=dict)
    """Modality name to pixel size in µm, in place of what the files say (tissues.csv goes first)."""
    tiling: Tiling = field(default_factory=Tiling)
    statistics: Statistics = field(default_factory=Statistics)
    mask: Mask = field(default_factory=Mask)
    cells: Cells = field(default_factory=Cells)
    privacy: Privacy = field(default_factory=Privacy)
