"""spora-build inspect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("inspect")(inspect)


def inspect(
    path: Annotated[Path, typer.Argument(help="A raw file or a folder of them.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what is in raw files: format, shape, pixel size, channels, problems.

    Example: `spora-build inspect raw/`
    """
    import json

    from rich.table import Table

    from spora_build.cli.console import out, show_problems
    from spora_build.workflows.drafting.inspect import inspect as look

    files = list(look(path))
    if as_json:
        out.print_json(json.dumps([file.to_json() for file in files], ensure_ascii=False))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("file", "image", "format", "channels × rows × cols", "type", "µm/px", "channels"):
        table.add_column(title, overflow="fold")
    for file in files:
        for roi in file.rois:
            table.add_row(
                file.file,
                f"{roi.series} {roi.name}".strip(),
                roi.format + (f" ({roi.modality_hint})" if roi.modality_hint else ""),
                " × ".join(str(side) for side in roi.shape),
                roi.dtype + (" RGB" if roi.is_rgb else ""),
                "?" if roi.mpp is None else f"{roi.mpp:g} ({roi.mpp_origin})",
                _names(roi.channel_names),
            )
    out.print(table)
    show_problems(p for file in files for p in (*file.problems, *(q for roi in file.rois for q in roi.problems)))


def _names(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown}, … ({len(names)})"
