"""spora-build inspect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from spora_build.workflows.drafting.inspect import InspectedFile


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("inspect")(inspect)


def inspect(
    path: Annotated[
        str,
        typer.Argument(help="A raw file or a folder of them, or s3://bucket/prefix/dataset.", show_default=False),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    endpoint: Annotated[str | None, typer.Option(help="Web address of the store of an s3:// dataset.")] = None,
) -> None:
    """Show what is in raw files, or in the images of a dataset: format, shape, pixel size, channels, problems.

    Example: `spora-build inspect raw/`
    """
    import json

    from spora_build.cli.console import out, show_problems
    from spora_build.cli.in_bucket import is_in_bucket
    from spora_build.transfer.remote import open_remote
    from spora_build.workflows.checking.in_bucket import open_remote_headers
    from spora_build.workflows.drafting.inspect import inspect as look

    if is_in_bucket(path):
        with open_remote_headers(open_remote(path, endpoint=endpoint)) as mirror:
            files = list(look(mirror.root))
    else:
        files = list(look(Path(path)))
    if as_json:
        out.print_json(json.dumps([file.to_json() for file in files], ensure_ascii=False))
        return
    shown_names: set[tuple[str, ...]] = set()
    for file in files:
        _show_file(file, shown_names)
    show_problems(p for file in files for p in (*file.problems, *(q for roi in file.rois for q in roi.problems)))


def _show_file(file: InspectedFile, shown_names: set[tuple[str, ...]]) -> None:
    """The file, a line for each acquisition (its position counts from 0), and names of channels when they are new."""
    from rich.markup import escape

    from spora_build.cli.console import out, show_line

    if not file.rois:
        return
    first = file.rois[0]
    hint = f" ({first.modality_hint})" if first.modality_hint else ""
    show_line(f"[bold]{escape(file.file)}[/bold]  {escape(first.format + hint)}", indent=2)
    for roi in file.rois:
        shape = " × ".join(str(side) for side in roi.shape)
        mpp = (
            "no pixel size"
            if roi.mpp is None
            else f"{roi.mpp:g} µm per pixel [dim]({escape(str(roi.mpp_origin))})[/dim]"
        )
        stored = "" if roi.stored_dtype == roi.dtype else f"{roi.stored_dtype} as "
        name = escape(f"{roi.series} {roi.name}".strip())
        show_line(f"  {name}: {shape} {stored}{roi.dtype}{' RGB' if roi.is_rgb else ''}, {mpp}", indent=6)
    for names in dict.fromkeys(roi.channel_names for roi in file.rois if roi.channel_names):
        if names in shown_names:
            out.print(f"  channels: {len(names)}, named as above")
        else:
            shown_names.add(names)
            show_line(f"  channels: {escape(', '.join(names))}", indent=6)
