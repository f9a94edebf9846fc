"""spora-build segment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from spora_build.cli.options import Dataset, Jobs, OnExisting
from spora_build.workflows.running.existing import Existing

METHODS = "nuclei (built in), cellpose, instanseg or stardist."


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("segment")(segment)


def segment(
    dataset: Dataset = None,
    method: Annotated[str, typer.Option(help=METHODS)] = "nuclei",
    weights: Annotated[
        Path | None, typer.Option(help="Weights of a trained model (cellpose, instanseg, stardist).")
    ] = None,
    modality: Annotated[
        str | None, typer.Option(help="Multiplex modality to see nuclei in, where there are several.")
    ] = None,
    nuclear: Annotated[
        list[str] | None, typer.Option(help="Nuclear channel; repeat for more. Default: those the panel marks.")
    ] = None,
    body: Annotated[
        list[str] | None,
        typer.Option(help="Channel of membranes or cytoplasm, for cellpose and instanseg; repeat for more."),
    ] = None,
    expand_um: Annotated[
        float | None,
        typer.Option(help="How far cells reach beyond what is found, by default 2 beyond nuclei; 0 gives nuclei."),
    ] = None,
    radius_um: Annotated[float | None, typer.Option(help="nuclei: their radius in micrometres, by default 3.")] = None,
    level: Annotated[
        float | None,
        typer.Option(help="nuclei: share of the image's threshold that they are above, by default 0.8."),
    ] = None,
    min_area_um2: Annotated[
        float | None, typer.Option(help="nuclei: smaller ones are left out, by default below 10.")
    ] = None,
    model_mpp: Annotated[
        float | None, typer.Option(help="Trained models: pixel size to show them, by default that of the image.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Tissue id; repeat for more.")] = None,
    existing: OnExisting = Existing.REFRESH,
    jobs: Jobs = 0,
) -> None:
    """Find cells in tissues that have no cell masks: by nuclear stains, or with a trained model that you have.

    Example: `spora-build segment --nuclear DAPI --expand-um 3`
    """
    from spora_build.cli.stages import finish, open_dataset
    from spora_build.workflows.cells.stage_segment import run_segment, settings_of

    options: dict[str, Any] = {
        "weights": weights,
        "expand_um": expand_um,
        "radius_um": radius_um,
        "level": level,
        "min_area_um2": min_area_um2,
        "model_mpp": model_mpp,
    }
    settings = settings_of(method, {name: value for name, value in options.items() if value is not None})
    finish(
        open_dataset(dataset),
        "segment",
        lambda layout, workers, show: run_segment(
            layout,
            settings,
            method=method,
            modality=modality,
            nuclear=nuclear or (),
            bodies=body or (),
            only=only or (),
            workers=workers,
            existing=existing,
            show_progress=show,
        ),
        jobs,
    )
