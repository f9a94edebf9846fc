"""What a report shows: plain values, gathered elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Picture:
    """One encoded picture."""

    media_type: str
    """``image/webp`` or ``image/png``."""
    data: bytes
    width_px: int
    height_px: int


@dataclass(frozen=True)
class LegendEntry:
    """One colour of a composite."""

    channel: str
    color: str
    """``#rrggbb``."""
    low: float
    """Value shown black, in the image's units."""
    high: float
    """Value shown in full colour."""


@dataclass(frozen=True)
class ChannelNumbers:
    """One channel of one tissue; intensities in the image's own units."""

    name: str
    low: float
    """1st percentile of the tissue's pixels."""
    median: float
    high: float
    """99th percentile."""
    maximum: float
    zero_share: float
    top_share: float
    """Share of pixels at the end of the detector's range."""
    is_empty: bool
    start: float
    stop: float
    """Edges of the histogram."""
    bars: tuple[int, ...]
    clip: float | None
    """The quantile that standardization clips at; None where the dataset has none."""


@dataclass(frozen=True)
class Pair:
    """Two channels of one tissue that look alike."""

    first: str
    second: str
    r: float
    """Pearson's correlation over the tissue's pixels."""


@dataclass(frozen=True)
class ModalityLook:
    """One modality of one tissue."""

    modality: str
    read_mpp: float
    """Pixel size of the stored image that was read."""
    mpps: tuple[float, ...]
    """Every stored pixel size."""
    height_px: int
    width_px: int
    """At the finest pixel size."""
    dtype: str
    counted_share: float
    """Share of the tissue's pixels, at ``read_mpp``, that the numbers rest on."""
    channels: tuple[ChannelNumbers, ...]
    pairs: tuple[Pair, ...] = ()
    overview: Picture | None = None
    edges: Picture | None = None
    """Cell outlines over the overview."""
    detail: Picture | None = None
    detail_um_per_px: float = 0.0
    detail_edges: Picture | None = None
    """Cell outlines over the detail."""
    legend: tuple[LegendEntry, ...] = ()
    """Empty for brightfield."""


@dataclass(frozen=True)
class TileLayer:
    """The tiles of one tissue of one size at one pixel size."""

    mpp: float
    strategy: str
    size_px: int
    count: int
    coverage: float | None
    """Share of the tissue that lies in a tile."""
    corners: tuple[tuple[float, float], ...]
    """Row and col of the tiles drawn, as shares of the image's height and width."""
    height: float
    width: float
    """Of a tile, as shares of the image's height and width."""

    @property
    def label(self) -> str:
        """For people."""
        strategy = "" if self.strategy == "default" else f" {self.strategy}"
        return f"{self.size_px} px at {self.mpp:g} µm{strategy}"


@dataclass(frozen=True)
class TissueLook:
    """One tissue: what was seen in its images and masks."""

    tissue_id: str
    height_um: float
    width_um: float
    tissue_share: float | None
    """Share of the field inside the tissue mask; None without a mask."""
    outline: tuple[tuple[tuple[float, float], ...], ...]
    """Polygons of (row, col) as shares of the height and width."""
    cell_count: int | None
    """Labels in the instance mask; None without one."""
    modalities: tuple[ModalityLook, ...]
    tiles: tuple[TileLayer, ...] = ()
    problems: tuple[str, ...] = ()
    """Why something could not be shown."""


@dataclass(frozen=True)
class CohortTissue:
    """A tissue as tissues.parquet has it."""

    tissue_id: str
    patient_id: str
    split: str
    """Empty where there is none."""
    modalities: tuple[str, ...]


@dataclass(frozen=True)
class PanelChannel:
    """A row of channels.parquet."""

    name: str
    uniprot_id: str
    is_nuclear: bool
    qc_pass: bool


@dataclass(frozen=True)
class TableColumn:
    """A column of tissues.parquet or cells.parquet."""

    name: str
    kind: str
    """``text``, ``integer``, ``float``…"""
    filled: float
    """Share of rows that are not null."""
    distinct: int
    values: tuple[tuple[str, int], ...] = ()
    """The most frequent values of a column of categories of cells, with their counts; none of tissues."""


@dataclass(frozen=True)
class TableColumns:
    """A table of the dataset, told by its columns."""

    name: str
    count: int
    """Rows."""
    columns: tuple[TableColumn, ...]


@dataclass(frozen=True)
class FoundIssue:
    """A finding of the validation."""

    code: str
    severity: str
    message: str
    remedy: str
    count: int
    places: tuple[str, ...]


@dataclass(frozen=True)
class Validation:
    """How the validation ended."""

    findings: tuple[FoundIssue, ...]
    passed: int
    failed: int
    skipped: int
    deep: bool

    @property
    def errors(self) -> int:
        """Rules broken as errors."""
        return sum(finding.severity == "error" for finding in self.findings)

    @property
    def warnings(self) -> int:
        """Rules broken as warnings."""
        return sum(finding.severity == "warning" for finding in self.findings)


@dataclass(frozen=True)
class DatasetLook:
    """Everything a report shows."""

    name: str
    version: str
    """Of spora-build, which made the report."""
    tissues: tuple[CohortTissue, ...]
    """Sorted by id."""
    looks: Mapping[str, TissueLook]
    """By tissue id; a tissue without one could not be looked at."""
    panels: Mapping[str, tuple[PanelChannel, ...]]
    """Channels of each multiplex modality, in the order of the panel."""
    markers: Mapping[str, tuple[str, ...]]
    """Channels shown in the composites of each multiplex modality, nuclear first where there is one."""
    validation: Validation
    provenance: tuple[tuple[str, str], ...]
    """Facts about how the dataset was made, in reading order."""
    tables: tuple[TableColumns, ...] = ()
    failures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By tissue id: why it could not be looked at."""
