"""The commands as functions, and a finished dataset as an object: what ``import spora_build`` offers.

Every function does what the command of its name does and raises the errors that the command shows, each a
:class:`~spora_build.errors.SporaBuildError` whose ``problems`` say what, where and what to do. A stage that failed for
some tissues raises PartialError; what it finished stays. Work runs on several processes, so a script that calls these
functions does so below ``if __name__ == "__main__":``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spora_build.checks.report import Report
from spora_build.errors import PartialError, Severity
from spora_build.model.geometry import Window
from spora_build.model.modality import Modality
from spora_build.model.report import Outcome, Status
from spora_build.pixels.mask_settings import mask_settings
from spora_build.pixels.standardize import Recipe
from spora_build.store.image import StoredImage, open_image
from spora_build.store.layout import INSTANCES, Layout
from spora_build.store.mask import read_mask
from spora_build.store.tables import read_table
from spora_build.workflows import doctor as _doctor
from spora_build.workflows import inspect as _inspect
from spora_build.workflows import privacy_check as _privacy_check
from spora_build.workflows import validate as _validate
from spora_build.workflows.build import build
from spora_build.workflows.choose_tiles import choose_tiles
from spora_build.workflows.convert import ConvertRequest, prepare
from spora_build.workflows.find_dataset import find_dataset
from spora_build.workflows.jobs import Existing, default_workers
from spora_build.workflows.plan import Plan
from spora_build.workflows.stage_mask import run_mask
from spora_build.workflows.stage_stats import run_stats
from spora_build.workflows.stage_tile import run_tile

__all__ = [
    "Dataset",
    "Window",
    "convert",
    "doctor",
    "inspect",
    "mask",
    "plan",
    "privacy_check",
    "stats",
    "tile",
    "validate",
]


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
        return read_table(self.layout.tissues_table)

    @property
    def cells(self) -> pd.DataFrame:
        """One row per cell. Raises InvalidDataError where there is no such table."""
        return read_table(self.layout.cells_table)

    def resolutions(self, modality: str) -> tuple[float, ...]:
        """Pixel sizes of a modality in µm, finest first."""
        return tuple(self.layout.find_resolutions(Modality.parse(modality)))

    def channels(self, modality: str) -> pd.DataFrame:
        """Channels of a multiplex modality, in the order of its images. Raises InvalidDataError."""
        return read_table(self.layout.channels_table(Modality.parse(modality)))

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
        return read_table(self.layout.tile_coordinates(mpp, strategy, size_px))


def convert(
    raw: Path | str,
    *,
    name: str | None = None,
    out: Path | str = ".",
    settings: Mapping[str, object] | None = None,
    only: Iterable[str] = (),
    existing: str = "refresh",
    jobs: int = 0,
    key_file: Path | str | None = None,
) -> Dataset:
    """Build a dataset from a raw folder: images, metadata, masks, cells, tiles and statistics.

    ``settings`` are those of spora.toml by dotted key (``{"mpp": ["native", 1.0], "tiling.stride": 64}``) and go before
    the file. ``jobs`` 0 uses every core. Warnings of the plan are in ``plan(raw).problems``.
    Raises PartialError where some tissues failed, PrivacyError, InvalidDataError, UsageError or EnvironmentFaultError.
    """
    request = _request(raw, name, out, settings, only, existing, jobs, key_file, dry_run=False)
    conversion = prepare(request)
    _whole(build(conversion, request))
    return Dataset(conversion.layout.root)


def plan(
    raw: Path | str,
    *,
    name: str | None = None,
    out: Path | str = ".",
    settings: Mapping[str, object] | None = None,
    key_file: Path | str | None = None,
) -> Plan:
    """What :func:`convert` would do, and every warning and note about it; writes nothing. Raises what convert does."""
    return prepare(_request(raw, name, out, settings, (), "refresh", 0, key_file, dry_run=True)).plan


def inspect(path: Path | str) -> tuple[_inspect.InspectedFile, ...]:
    """What is in a raw file, or in every file below a folder, from headers alone. Raises UsageError."""
    return tuple(_inspect.inspect(Path(path)))


def mask(
    dataset: Dataset | Path | str = ".",
    *,
    method: str = "auto",
    only: Collection[str] = (),
    existing: str = "refresh",
    jobs: int = 0,
    **options: float,
) -> tuple[Outcome, ...]:
    """Find the tissue in every image; masks that a person gave stay.

    ``options`` are the other fields of :class:`~spora_build.pixels.mask_settings.MaskSettings`, such as ``closing_um``.
    """
    settings = mask_settings(method, options)
    layout, workers = _layout(dataset), jobs or default_workers()
    return _whole(run_mask(layout, settings, only=only, workers=workers, existing=Existing(existing)))


def tile(
    dataset: Dataset | Path | str = ".",
    *,
    sizes: Sequence[int] | None = None,
    mpps: Sequence[float] | None = None,
    strategy: str = "default",
    existing: str = "refresh",
    jobs: int = 0,
    **options: float,
) -> tuple[Outcome, ...]:
    """Compute training tiles from the tissue masks.

    ``options`` are ``stride_px``, ``tolerance``, ``coverage_goal`` and ``min_gain_ratio`` of
    :class:`~spora_build.pixels.tile_settings.TilingSettings`.
    """
    layout = _layout(dataset)
    requests = choose_tiles(layout, sizes=sizes, mpps=mpps, strategy=strategy, given=options)
    return _whole(run_tile(layout, requests, workers=jobs or default_workers(), existing=Existing(existing)))


def stats(
    dataset: Dataset | Path | str = ".",
    *,
    upper_quantile: float = 0.99,
    lower_quantile: float | None = None,
    existing: str = "refresh",
    jobs: int = 0,
) -> tuple[Outcome, ...]:
    """Compute the standardization statistics of every multiplex modality."""
    recipe = Recipe(upper_quantile, lower_quantile)
    return _whole(run_stats(_layout(dataset), recipe, workers=jobs or default_workers(), existing=Existing(existing)))


def validate(
    dataset: Dataset | Path | str = ".", *, deep: bool = False, severities: Mapping[str, Severity] | None = None
) -> Report:
    """Check a dataset against every rule of the format; ``deep`` reads every mask and pixel too.

    Broken rules are in the report (``findings``, ``exit_code()``) and raise nothing.
    """
    return _validate.validate(_layout(dataset).root, deep=deep, severities=severities)


def privacy_check(
    dataset: Dataset | Path | str = ".", *, private: Path | str | None = None
) -> _privacy_check.PrivacyReport:
    """Search a finished dataset, byte by byte, for the raw identifiers of its crosswalk. Raises UsageError."""
    return _privacy_check.privacy_check(_layout(dataset), private=None if private is None else Path(private))


def doctor() -> tuple[_doctor.Finding, ...]:
    """Python, packages, codecs, cores, memory, disk and rclone of this machine."""
    return tuple(_doctor.examine())


def _request(
    raw: Path | str,
    name: str | None,
    out: Path | str,
    settings: Mapping[str, object] | None,
    only: Iterable[str],
    existing: str,
    jobs: int,
    key_file: Path | str | None,
    *,
    dry_run: bool,
) -> ConvertRequest:
    return ConvertRequest(
        raw=Path(raw),
        name=name,
        out=Path(out),
        overrides=dict(settings or {}),
        only=tuple(only),
        workers=jobs,
        existing=Existing(existing),
        key_file=None if key_file is None else Path(key_file),
        dry_run=dry_run,
    )


def _layout(dataset: Dataset | Path | str) -> Layout:
    return dataset.layout if isinstance(dataset, Dataset) else find_dataset(Path(dataset))


def _whole(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """The outcomes, or PartialError with what is wrong with those that failed."""
    failed = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
    if failed:
        raise PartialError(problem for outcome in failed for problem in outcome.problems)
    return tuple(outcomes)
