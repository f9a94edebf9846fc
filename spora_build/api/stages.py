"""Stages of a build, each again and alone, on a dataset that is there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from spora_build.api.dataset import Dataset, layout_of, whole
from spora_build.model.report import Outcome
from spora_build.pixels.mask_settings import mask_settings
from spora_build.pixels.standardize import Recipe
from spora_build.workflows.cells.of_dataset import stored_source
from spora_build.workflows.cells.stage import run_cells
from spora_build.workflows.cells.stage_segment import run_segment, settings_of
from spora_build.workflows.dataset.split import SplitRow, run_split
from spora_build.workflows.masks.stage import run_mask
from spora_build.workflows.running.existing import Existing
from spora_build.workflows.running.jobs import default_workers
from spora_build.workflows.statistics.stage import run_stats
from spora_build.workflows.tiles.choose import choose_tiles
from spora_build.workflows.tiles.stage import run_tile


def mask(
    dataset: Dataset | Path | str = ".",
    *,
    method: str = "auto",
    only: Collection[str] = (),
    existing: str = "refresh",
    jobs: int = 0,
    **options: float,
) -> tuple[Outcome, ...]:
    """Find the tissue in every image; masks that a person gave, or that nobody here made, stay.

    With ``existing="overwrite"`` the latter are replaced, and a person's where ``only`` names the tissue too.

    ``options`` are the other fields of :class:`~spora_build.pixels.mask_settings.MaskSettings`, such as ``closing_um``.
    """
    settings = mask_settings(method, options)
    layout, workers = layout_of(dataset), jobs or default_workers()
    return whole(run_mask(layout, settings, only=only, workers=workers, existing=Existing(existing)))


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
    layout = layout_of(dataset)
    requests = choose_tiles(layout, sizes=sizes, mpps=mpps, strategy=strategy, given=options)
    return whole(run_tile(layout, requests, workers=jobs or default_workers(), existing=Existing(existing)))


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
    return whole(run_stats(layout_of(dataset), recipe, workers=jobs or default_workers(), existing=Existing(existing)))


def cells(
    dataset: Dataset | Path | str = ".",
    *,
    tasks: Collection[str] = (),
    only: Collection[str] = (),
    existing: str = "refresh",
    jobs: int = 0,
) -> tuple[Outcome, ...]:
    """Measure the cells of the instance masks again; annotations stay. ``tasks`` are columns to make masks of."""
    layout = layout_of(dataset)
    source = stored_source(layout, tuple(tasks) or None)
    workers = jobs or default_workers()
    return whole(run_cells(layout, source, only=only, workers=workers, existing=Existing(existing)))


def segment(
    dataset: Dataset | Path | str = ".",
    *,
    method: str = "nuclei",
    modality: str | None = None,
    nuclear: Collection[str] = (),
    bodies: Collection[str] = (),
    only: Collection[str] = (),
    existing: str = "refresh",
    jobs: int = 0,
    **options: float | Path,
) -> tuple[Outcome, ...]:
    """Find cells in tissues that have no cell masks: by nuclear stains, or with a trained model that you have.

    ``options`` are fields of :class:`~spora_build.pixels.nuclei.NucleiSettings`, such as ``expand_um``; for the other
    methods those of :class:`~spora_build.segmenters._trained.TrainedSettings`, first of all ``weights``.
    """
    return whole(
        run_segment(
            layout_of(dataset),
            settings_of(method, options),
            method=method,
            modality=modality,
            nuclear=nuclear,
            bodies=bodies,
            only=only,
            workers=jobs or default_workers(),
            existing=Existing(existing),
        )
    )


def split(
    dataset: Dataset | Path | str = ".", *, test: float = 0.2, by: str | None = None, seed: int = 0, again: bool = False
) -> tuple[SplitRow, ...]:
    """Divide the patients into train and test; patients who have a split keep it unless ``again``.

    Raises UsageError.
    """
    return tuple(run_split(layout_of(dataset), test_share=test, by=by, seed=seed, again=again))
