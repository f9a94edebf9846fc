"""spora-build view."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spora_build.cli.options import Dataset


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("view")(view)


def view(
    tissue: Annotated[str, typer.Argument(help="Tissue id, or a part that only one id has.", show_default=False)],
    dataset: Dataset = None,
    modality: Annotated[
        str | None, typer.Option(help="Only this modality, such as codex. Default: every one.", show_default=False)
    ] = None,
    marker: Annotated[
        list[str] | None, typer.Option(help="Channel of the picture; repeat for one nuclear and up to three others.")
    ] = None,
    outline: Annotated[bool, typer.Option("--outline/--no-outline", help="Draw the tissue's outline.")] = True,
    side: Annotated[int, typer.Option(min=64, max=8000, help="Longest side of the picture in pixels.")] = 1600,
    out: Annotated[Path, typer.Option(help="Folder to write the pictures in.")] = Path(),
    napari: Annotated[bool, typer.Option("--napari", help="Open the tissue in napari instead.")] = False,
) -> None:
    """Write a picture (PNG) of a tissue, one per modality, into the current folder.

    Example: `spora-build view 0001 --marker DAPI --marker CD3E`
    """
    from rich.markup import escape

    from spora_build.checks.view import DatasetView
    from spora_build.cli.console import out as console
    from spora_build.cli.stages import open_dataset
    from spora_build.workflows.reporting.view import (
        draw_tissue,
        find_tissue,
        open_in_napari,
        picture_path,
        write_picture,
    )

    found = DatasetView(open_dataset(dataset).root)
    tissue_id = find_tissue(found, tissue)
    if napari:
        open_in_napari(found, tissue_id, modality)
        return
    pictures = draw_tissue(found, tissue_id, modality=modality, markers=marker or (), outline=outline, side_px=side)
    for picture in pictures:
        path = picture_path(found, out, tissue_id, picture.modality)
        write_picture(path, picture)
        swatches = "  ".join(f"[{entry.color}]■[/] {escape(entry.channel)}" for entry in picture.legend)
        console.print(f"{escape(str(path))}  {swatches}", soft_wrap=True)
